"""The model card: what was trained, what came out, and the command that makes it again."""

from __future__ import annotations

import json
import math
import os
from typing import Any

from tfvae import diagnosis
from tfvae.training import RunDirectory
from tfvae.training.reading import json_object

__all__ = ["text"]

# figure of report.json: (what it is, unit)
_FIGURES = {
    "elbo": ("ELBO", "nats"),
    "nll": ("-log p(x), importance-weighted", "nats"),
    "distortion": ("distortion", "nats"),
    "rate": ("rate, KL(q(z given x), p(z))", "nats"),
    "mutual_information": ("mutual information of x and z", "nats"),
    "marginal_kl": ("KL(q(z), p(z))", "nats"),
    "active_units": ("active units", ""),
    "bits_per_dim": ("bits per dimension", "bits"),
    "perplexity": ("perplexity", ""),
    "linear_probe_accuracy": ("linear probe's accuracy", ""),
}
_ERRORS = {"elbo": "elbo_stderr", "nll": "nll_stderr", "rate": "rate_stderr"}


def text(workdir: str, report: dict[str, Any], repo: str) -> str:
    """README.md of the repository.

    Args:
        workdir: of the run.
        report: what its report.json holds.
        repo: `USER/NAME`.
    """
    from zoo import models

    config = RunDirectory.config_of(workdir)
    made_by = json_object(os.path.join(workdir, "card.json")).get("again")
    command = (
        made_by
        or "# of an older run, which did not write its command: config.json has its settings"
    )
    told = models.documentation(report["model"]).strip()
    versions = "\n".join(f"- {name} {number}" for name, number in config["versions"].items())
    return f"""\
{_front(report)}
# {report["model"]} on {report["dataset"]}

{diagnosis.sentence(report)}

## Use

```python
import zoo

run = zoo.pull({json.dumps(repo)}, "runs/pulled")
model = run.model()  # a Keras model: model.encode(x), model.decode(z), model.sample(16)
```

## What was measured

Of {report["num_examples"]:,} examples of the {report["split"]} split, after {report["train_steps"]:,} steps.
Nats are per example.

| figure | value | |
|---|---|---|
{_rows(report)}

## How it was made

```sh
{command}
```

{_source(config)}

Made with:

{versions}

## The model

{told}
"""


def _front(report: dict[str, Any]) -> str:
    """What the Hub reads: YAML, of which JSON is a part."""
    metrics = [
        {"type": name, "name": f"{said} ({unit})" if unit else said, "value": report[name]}
        for name, (said, unit) in _FIGURES.items()
        if _is_number(report.get(name))
    ]
    data = {"type": report["dataset"], "name": report["dataset"], "split": report["split"]}
    task = {"type": "other", "name": "density estimation"}
    result = {"task": task, "dataset": data, "metrics": metrics}
    index = [{"name": report["model"], "results": [result]}]
    lines = {
        "library_name": "keras",
        "tags": ["tfvae", "keras", "variational-autoencoder", report["model"]],
        "model-index": index,
    }
    return "\n".join(["---", *(f"{k}: {json.dumps(v)}" for k, v in lines.items()), "---"])


def _is_number(value: Any) -> bool:
    """Whether there is a figure, and YAML and the Hub can hold it."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def _rows(report: dict[str, Any]) -> str:
    rows = []
    for name, (said, unit) in _FIGURES.items():
        value = report.get(name)
        if not _is_number(value):
            continue
        spread = report.get(_ERRORS.get(name, ""))
        number = f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
        error = f" ± {spread:.2f}" if isinstance(spread, float) else ""
        rows.append(f"| {said} | {number}{error} | {unit} |")
    return "\n".join(rows)


def _source(config: dict[str, Any]) -> str:
    """Of the data: digests of their files, by which they are known again."""
    source = config.get("source") or {}
    if not source:
        return "The data ship with the package."
    listed = "\n".join(f"- {name}: sha256 {digest}" for name, digest in source.items())
    return f"Data, by the digests of their files:\n\n{listed}"
