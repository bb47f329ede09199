"""report.html: one self-contained page that a person would rather look at than the JSON."""

from __future__ import annotations

import base64
import html as _html
import json
from collections.abc import Mapping
from typing import Any

from tfvae.diagnosis.documents import EXPLAINED as OF_DOCUMENTS
from tfvae.diagnosis.documents import TITLES as DOCUMENTS
from tfvae.diagnosis.figures import captions
from tfvae.diagnosis.full_gaps import gaps_table
from tfvae.diagnosis.page import head, pictures
from tfvae.diagnosis.rows import EXPLAINED as OF_ROWS
from tfvae.diagnosis.rows import TITLES as ROWS
from tfvae.diagnosis.sentences import EXPLAINED, TITLES
from tfvae.diagnosis.shown import Sound
from tfvae.diagnosis.sounds import EXPLAINED as HEARD
from tfvae.diagnosis.sounds import TITLES as AUDIO
from tfvae.diagnosis.verdict import levels, sentence

__all__ = ["MEASURES", "diagnosis_cell", "diagnosis_html", "html"]

# key, title, unit, what it says
MEASURES = (
    ("nll", "NLL", "nats", "-log p(x), importance-weighted from above; exact without a latent"),
    (
        "nll_effective_samples",
        "its effective samples",
        "",
        "median over examples of (sum w)^2 / sum w^2; at a few, the NLL is too high",
    ),
    ("bits_per_dim", "bits per dimension", "bits", "the NLL by pixel and channel, or by sample"),
    ("perplexity", "perplexity", "", "exp of the NLL by token, the </s> of a sentence too"),
    ("elbo", "ELBO", "nats", "-(distortion + rate), a lower bound of log p(x)"),
    (
        "conditional_objective",
        "conditional objective",
        "nats",
        "distortion + rate given a neighbour's code: no bound of -log p(x), for x chose the neighbour",
    ),
    ("distortion", "distortion", "nats", "-log p(x|z): what the decoder must still be told"),
    ("decoder_variance", "decoder variance", "", "fixed; units with less variance collapse"),
    ("tuned_decoder_variance", "best variance", "", "E (x - mean)^2 by pixel: what it should be"),
    ("tuned_elbo", "tuned ELBO", "nats", "the ELBO with that variance and the same means"),
    ("rate", "rate", "nats", "KL(q(z|x) || p(z)): what the code costs"),
    ("committed_rate", "committed rate", "nats", "the least rate that the prior allows"),
    ("mutual_information", "mutual information", "nats", "I(x; z): what the code tells about x"),
    (
        "mutual_information_ceiling",
        "its ceiling",
        "nats",
        "log of the reference size: more cannot be measured",
    ),
    (
        "mutual_information_batch",
        "within batches",
        "nats",
        "mutual information as He et al. 2019 estimate it; its ceiling is ln of the batch",
    ),
    ("marginal_kl", "marginal KL", "nats", "KL(q(z) || p(z)): rate that tells nothing about x"),
    (
        "active_units",
        "active units",
        "",
        "units whose posterior mean varies over x by more than 0.01",
    ),
    ("latent_units", "units", "", "scalars in the code"),
    ("codebook_perplexity", "codebook perplexity", "", "how many codes an even use would take"),
    ("codes_used", "codes used", "", "that some example of the split chose"),
    ("num_codes", "codes", "", "of the codebook"),
    ("shuffle_gap", "swap gap", "nats", "what the decoder loses with another example's code"),
    ("linear_probe_accuracy", "linear probe", "", "accuracy of a logistic regression on the codes"),
    ("mutual_information_gap", "MIG", "", "each factor known by one unit alone (Chen et al. 2018)"),
    ("factor_vae_score", "FactorVAE score", "", "majority vote of the unit that varies least"),
    ("separated_attribute_predictability", "SAP", "", "lead of the best unit for each factor"),
    ("dci_disentanglement", "DCI disentanglement", "", "one factor a unit"),
    ("dci_completeness", "DCI completeness", "", "one unit a factor"),
    ("dci_informativeness", "DCI informativeness", "", "test accuracy of boosted trees"),
    ("nearest_neighbour_accuracy", "nearest neighbours", "", "accuracy of 5 neighbours' vote"),
    ("auxiliary_rate", "auxiliary rate", "nats", "the rate under the auxiliary prior"),
    ("auxiliary_elbo", "auxiliary ELBO", "nats", "the ELBO under the auxiliary prior"),
    (
        "auxiliary_nll",
        "auxiliary NLL",
        "nats",
        "the NLL under the auxiliary prior, from which samples are drawn",
    ),
    (
        "prior_gap",
        "prior gap",
        "nats",
        "what the decoder loses with a draw of the prior as its code",
    ),
    (
        "amortisation_gap",
        "amortisation gap",
        "nats",
        "what a better posterior for each x would gain",
    ),
    ("approximation_gap", "approximation gap", "nats", "what no such posterior can gain"),
    ("refined_rate", "rate of the best posteriors", "nats", "0: the true posterior is the prior"),
    ("effective_weight", "effective weight", "", "of the rate, at which this encoder stands still"),
    ("parameters", "weights", "", "of the model without the auxiliary prior"),
    ("train_seconds", "training", "s", "wall time of this machine"),
)
_NOTHING = "<span class=s>(an empty sentence)</span>"


def html(
    report: Mapping[str, Any],
    config: Mapping[str, Any],
    figures: Mapping[str, bytes],
    texts: Mapping[str, list[list[str]]] | None = None,
    clips: Mapping[str, list[list[Sound]]] | None = None,
) -> str:
    """The page.

    Args:
        report: what report.json holds.
        config: what config.json holds, with `command`, `citation`, `data`, `data_citation`, `unit`
            (`images` if it is not there) and `remedies`, (command, why) where there is something to try.
        figures: PNG by name.
        texts: rows of cells by name, from `sentences`.
        clips: rows of clips by name, from `sounds`.

    Returns:
        HTML that refers to nothing outside of itself.
    """
    text = _html.escape
    unit = str(config.get("unit", "images"))
    title = f"{report['model']} on {report['dataset']}"
    parts = [
        *head(title, str(config.get("citation", "")), sentence(report)),
        *_to_try(config.get("remedies", ())),
        *_measures(report, f"{report['split']} {unit}", unit),
        *pictures(figures, captions(report)),
    ]
    for name, rows in (texts or {}).items():
        parts.append(f"<h2>{text((TITLES | ROWS | DOCUMENTS)[name])}</h2><table class=t>")
        parts += ["<tr><td>" + "<td>".join(text(c) or _NOTHING for c in row) for row in rows]
        parts.append(f"</table><p class=s>{text((EXPLAINED | OF_ROWS | OF_DOCUMENTS)[name])}</p>")
    for name, rows in (clips or {}).items():
        parts.append(f"<h2>{text(AUDIO[name])}</h2><table class=a>")
        parts += ["<tr>" + "".join(map(_clip, row)) for row in rows]
        parts.append(f"</table><p class=s>{text(HEARD[name])}</p>")
    everything = json.dumps({"config": config, "report": report}, indent=1, default=str)
    parts += [
        f"<h2>To repeat it</h2><pre>{text(str(config.get('command', '')))}</pre>",
        f"<p>Data: {text(str(config.get('data', '')))} "
        f"({text(str(config.get('data_citation', '')))})</p>",
        f"<details><summary>All settings and figures</summary><pre>{text(everything)}</pre>",
        "</details></html>",
    ]
    return "\n".join(parts)


def diagnosis_html(found, title: str, figures: Mapping[str, bytes]) -> str:
    """The page of a `Diagnosis`; it refers to nothing outside of itself.

    Args:
        found: the diagnosis.
        title: what was examined.
        figures: PNG by name.
    """
    everything = _html.escape(json.dumps(found.as_json(), indent=1, default=str))
    parts = [
        *head(title, "", f"{found.verdict.capitalize()}: {found.summary}"),
        *_reasons(found),
        *_measures(found.report, "examples", "examples"),
        *pictures(figures, captions(found.report)),
        f"<details><summary>All figures</summary><pre>{everything}</pre></details>",
    ]
    return "\n".join([*parts, "</html>"])


def diagnosis_cell(found) -> str:
    """A `Diagnosis` as a notebook shows it: a piece of a page, in the notebook's own style."""
    text = _html.escape
    verdict = f"<p><b>{text(found.verdict.capitalize())}</b>: {text(found.summary)}</p>"
    measures = "\n".join(_measures(found.report, "examples", "examples"))
    folded = f"<details><summary>Figures</summary>{measures}</details>"
    return "\n".join(["<div>", verdict, *_reasons(found), folded, "</div>"])


def _reasons(found) -> list[str]:
    """Evidence, what to try, and gaps."""
    lines = [f"<li>{_html.escape(line)}" for line in found.evidence]
    evidence = ["<h2>Evidence</h2><ul>", *lines, "</ul>"] if lines else []
    return [*evidence, *_to_try(found.remedies), *_gaps(found.report)]


def _to_try(remedies) -> list[str]:
    text = _html.escape
    parts = ["<h2>To try</h2>"] if remedies else []
    return parts + [f"<pre>{text(c)}</pre><p class=s>{text(why)}</p>" for c, why in remedies]


def _gaps(report) -> list[str]:
    rows = gaps_table(report.get("full_gaps", {}))
    if not rows:
        return []
    cells = (f"<tr><td>{_html.escape(says)}<td class=n>{value} nats" for says, value in rows)
    return ["<h2>Gaps</h2><table>", *(row.replace("+-", "&plusmn;") for row in cells), "</table>"]


def _measures(report, of: str, unit: str) -> list[str]:
    by_level = levels(report)
    of_levels = ["<h2>Levels of the code, the top one first</h2><table>"] if by_level else []
    of_levels += [f"<tr><td>{_html.escape(n)}<td>{_html.escape(w)}" for n, w in by_level.items()]
    of_levels += ["</table>"] if by_level else []
    return [
        f"<h2>Measures on {report['num_examples']:,} {_html.escape(of)}</h2><table>",
        *(
            _row(report, _html.escape(unit), *row)
            for row in MEASURES
            if report.get(row[0]) is not None
        ),
        "</table>",
        *of_levels,
    ]


def _clip(sound: Sound) -> str:
    data = base64.b64encode(sound.wav).decode()
    return (
        f"<td>{_html.escape(sound.says)}<br>"
        f"<audio controls preload=none src='data:audio/wav;base64,{data}'></audio>"
    )


def _row(report, examples, key, title, unit, says) -> str:
    value = report[key]
    shown = (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:.4f}"
        if key == "bits_per_dim" or key.endswith("accuracy")
        else f"{value:,.2f}"
    )
    error = report.get(f"{key}_stderr")
    if error is not None:
        shown += f" &plusmn; {error:.2f}"
    if key == "rate" and report.get("rate_is_exact") is False:
        says += "; no closed form: log q(z|x) - log p(z) at a draw"
    if key in ("nll", "auxiliary_nll"):
        samples = report["nll_num_samples"]
        says += f"; {report['nll_num_examples']} {examples}" + (
            f", {samples} samples each" if samples else ""
        )
    return f"<tr><td>{title}<td class=n>{shown} {unit}<td class=s>{_html.escape(says)}"
