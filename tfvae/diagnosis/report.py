"""report.html: one self-contained page that a person would rather look at than the JSON."""

from __future__ import annotations

import base64
import html as _html
import json
from collections.abc import Mapping
from typing import Any

from tfvae.diagnosis.figures import CAPTIONS
from tfvae.diagnosis.sentences import EXPLAINED, TITLES
from tfvae.diagnosis.shown import Sound
from tfvae.diagnosis.sounds import EXPLAINED as HEARD
from tfvae.diagnosis.sounds import TITLES as AUDIO
from tfvae.diagnosis.verdict import sentence

__all__ = ["html"]

# key, title, unit, what it says
_ROWS = (
    ("nll", "NLL", "nats", "-log p(x), importance-weighted from above; exact without a latent"),
    ("bits_per_dim", "bits per dimension", "bits", "the NLL by pixel and channel, or by sample"),
    ("perplexity", "perplexity", "", "exp of the NLL by token, </s> counted"),
    ("elbo", "ELBO", "nats", "-(distortion + rate), a lower bound of log p(x)"),
    ("distortion", "distortion", "nats", "-log p(x|z): what the decoder must still be told"),
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
    ("parameters", "weights", "", "of the model without the auxiliary prior"),
    ("train_seconds", "training", "s", "wall time of this machine"),
)
_NOTHING = "<span class=s>(an empty sentence)</span>"
_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2.2rem}
.verdict{font-size:1.1rem;border-left:4px solid #2563a8;padding:.4rem 1rem;margin:1.2rem 0}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td{padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.s,p.s,span.s{color:#777}p.s{font-size:.9rem}
table.a{display:block;overflow-x:auto}table.a audio{width:9rem;height:2.2rem}
table.t td:first-child{color:#777;white-space:nowrap}
img{max-width:100%;background:#fff;border-radius:4px}
figure{margin:1.4rem 0}figcaption{font-size:.9rem;color:#777}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.7rem;font-size:.85rem}
"""


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
        config: what config.json holds, with `command`, `citation`, `data`, `data_citation` and
            `unit` (`images` if it is not there).
        figures: PNG by name.
        texts: rows of cells by name, from `sentences`.
        clips: rows of clips by name, from `sounds`.

    Returns:
        HTML that refers to nothing outside of itself.
    """
    text = _html.escape
    unit = text(str(config.get("unit", "images")))
    title = text(f"{report['model']} on {report['dataset']}")
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>",
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>",
        f"<h1>{title}</h1><div>{text(str(config.get('citation', '')))}</div>",
        f"<p class=verdict>{text(sentence(report))}</p>",
        f"<h2>Measures on {report['num_examples']:,} {text(report['split'])} {unit}</h2><table>",
        *(_row(report, unit, *row) for row in _ROWS if report.get(row[0]) is not None),
        "</table>",
    ]
    if figures:
        parts.append("<h2>Pictures</h2>")
    for name, png in figures.items():
        data = base64.b64encode(png).decode()
        parts.append(
            f"<figure><img alt='{text(name.replace('_', ' '))}' "
            f"src='data:image/png;base64,{data}'>"
            f"<figcaption>{text(CAPTIONS.get(name, ''))}</figcaption></figure>"
        )
    for name, rows in (texts or {}).items():
        parts.append(f"<h2>{text(TITLES[name])}</h2><table class=t>")
        parts += ["<tr><td>" + "<td>".join(text(c) or _NOTHING for c in row) for row in rows]
        parts.append(f"</table><p class=s>{text(EXPLAINED[name])}</p>")
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
    if key in ("nll", "auxiliary_nll"):
        samples = report["nll_num_samples"]
        says += f"; {report['nll_num_examples']} {examples}" + (
            f", {samples} samples each" if samples else ""
        )
    return f"<tr><td>{title}<td class=n>{shown} {unit}<td class=s>{_html.escape(says)}"
