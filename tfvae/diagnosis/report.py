"""report.html: one self-contained page that a person would rather look at than the JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae.diagnosis.documents import EXPLAINED as OF_DOCUMENTS
from tfvae.diagnosis.documents import TITLES as DOCUMENTS
from tfvae.diagnosis.figures import MADE, captions
from tfvae.diagnosis.full_gaps import gaps_table
from tfvae.diagnosis.page import render
from tfvae.diagnosis.rows import EXPLAINED as OF_ROWS
from tfvae.diagnosis.rows import TITLES as ROWS
from tfvae.diagnosis.sentences import EXPLAINED, TITLES
from tfvae.diagnosis.shown import Sound
from tfvae.diagnosis.sounds import EXPLAINED as HEARD
from tfvae.diagnosis.sounds import TITLES as AUDIO
from tfvae.diagnosis.verdict import levels, sentence
from tfvae.values import number

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
        "log_total_correlation",
        "TC of ln z by number",
        "nats",
        "-1/(2D) ln det corr(ln z) at draws: 0 where no two numbers of the code are correlated",
    ),
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
    ("accuracy", "accuracy", "", "of the model's own classifier, by one draw of z"),
    ("accuracy_of_draws", "accuracy of 12 draws", "", "of the mean of its probabilities over them"),
    ("label_distortion", "label's distortion", "nats", "-log q(y|z): what the label still costs"),
    (
        "label_information_bits",
        "I(Z; Y), at least",
        "bits",
        "what the code tells about the label: H(Y) less the label's distortion",
    ),
    ("rate_bits", "I(Z; X), at most", "bits", "the rate at the same draws"),
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

_OF_DRAWS = "accuracy_of_draws"
_OF_FEATURES = {
    "accuracy": "of the model's own classifier, which reads x",
    "label_distortion": "-log q(y|x): what the label still costs",
}
_OF_LABEL = ("nll", "auxiliary_nll", "elbo", "auxiliary_elbo", "bits_per_dim", "perplexity")


def html(
    report: Mapping[str, Any],
    config: Mapping[str, Any],
    figures: Mapping[str, bytes],
    texts: Mapping[str, Sequence[Sequence[str]]] | None = None,
    clips: Mapping[str, Sequence[Sequence[Sound]]] | None = None,
) -> str:
    """The page.

    Args:
        report: what report.json holds.
        config: what config.json holds, with `command`, `citation`, `data`, `data_citation`, `unit`
            (`images` if it is not there) and `remedies`, (command, why) where there is something to try.
        figures: PNG by name.
        texts: rows of cells by name, from `sentences`, `documents` or `rows`.
        clips: rows of clips by name, from `sounds`.

    Returns:
        HTML that refers to nothing outside of itself.
    """
    unit = str(config.get("unit", "images"))
    titles, says = TITLES | ROWS | DOCUMENTS, EXPLAINED | OF_ROWS | OF_DOCUMENTS
    return render(
        "report",
        title=f"{report['model']} on {report['dataset']}",
        subtitle=str(config.get("citation", "")),
        verdict=sentence(report),
        remedies=config.get("remedies", ()),
        made={name: png for name, png in figures.items() if name in MADE},
        texts=[
            (titles[name], *_headed(name, rows), says[name]) for name, rows in (texts or {}).items()
        ],
        clips=[(AUDIO[name], rows, HEARD[name]) for name, rows in (clips or {}).items()],
        seen={name: png for name, png in figures.items() if name not in MADE},
        captions=captions(report),
        measures=_measures(report, f"{report['split']} {unit}", unit),
        command=str(config.get("command", "")),
        data=config.get("data", ""),
        data_citation=config.get("data_citation", ""),
        everything=json.dumps({"config": config, "report": report}, indent=1, default=str),
    )


def _headed(name: str, rows):
    """(what the columns are called, the other rows): those of a table alone say it, in their first row."""
    return (rows[0], rows[1:]) if name in ROWS else ((), rows)


def diagnosis_html(found, title: str, figures: Mapping[str, bytes]) -> str:
    """The page of a `Diagnosis`; it refers to nothing outside of itself.

    Args:
        found: the diagnosis.
        title: what was examined.
        figures: PNG by name.
    """
    return render(
        "diagnosis",
        title=title,
        subtitle="",
        verdict=f"{found.verdict.capitalize()}: {found.summary}",
        found=_reasons(found),
        figures=figures,
        captions=captions(found.report),
        measures=_measures(found.report, "examples", "examples"),
        everything=json.dumps(found.as_json(), indent=1, default=str),
    )


def diagnosis_cell(found) -> str:
    """A `Diagnosis` as a notebook shows it: a piece of a page, in the notebook's own style."""
    return render(
        "cell",
        verdict=found.verdict.capitalize(),
        summary=found.summary,
        found=_reasons(found),
        measures=_measures(found.report, "examples", "examples"),
    )


def _reasons(found) -> dict[str, Any]:
    """Evidence, what to try, and gaps."""
    gaps = gaps_table(found.report.get("full_gaps", {}))
    return {"evidence": found.evidence, "remedies": found.remedies, "gaps": gaps}


def _measures(report, of: str, unit: str) -> dict[str, Any]:
    return {
        "of": f"{report['num_examples']:,} {of}",
        "rows": [_row(report, unit, *row) for row in _known(report)],
        "levels": levels(report),
    }


def _known(report) -> list[tuple[str, str, str, str]]:
    """The measures that there are, in the words that hold for this model."""
    rows = [row for row in MEASURES if report.get(row[0]) is not None]
    if "label_information_bits" in report:
        return rows
    # nothing is drawn for a classifier that reads x
    return [(*row[:3], _OF_FEATURES.get(row[0], row[3])) for row in rows if row[0] != _OF_DRAWS]


def _row(report, examples, key, title, unit, says) -> tuple[str, str, str]:
    value = report[key]
    fine = key == "bits_per_dim" or "accuracy" in key
    shown = f"{value:,}" if isinstance(value, int) else number(value, 4 if fine else 2)
    error = report.get(f"{key}_stderr")
    if error is not None:
        shown += f" \u00b1 {error:.2f}"
    if key == "rate" and report.get("rate_is_exact") is False:
        says += "; no closed form: log q(z|x) - log p(z) at a draw"
    if report.get("given_label") and key in _OF_LABEL:
        says += "; of x given what the model is told"
    if key in ("nll", "auxiliary_nll"):
        samples = report["nll_num_samples"]
        says += f"; {report['nll_num_examples']} {examples}" + (
            f", {samples} samples each" if samples else ""
        )
    return title, f"{shown} {unit}".rstrip(), says
