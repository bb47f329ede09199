"""What is wrong with a VAE, on what evidence, and what to try.

Verdicts, the first that holds:

    scale bug           the objective is not the ELBO that it seems to be, and the code suffers for it
    inference lag       the decoder would use a code, and the encoder does not find it
    model collapse      the true posterior itself is the prior: no encoder could help
    partial collapse    the code is used, and fewer than half of its units are
    healthy             none of these

Legend: N examples, D numbers of z.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfvae import inputs
from tfvae.checks import UserError, one_of
from tfvae.diagnosis.full_gaps import check_movable, full_gaps, gaps_table
from tfvae.diagnosis.gaps import inference_gaps
from tfvae.diagnosis.measure import measure, trained_inference
from tfvae.diagnosis.report import diagnosis_cell
from tfvae.diagnosis.signs import clipped_share, data_spectrum, effective_weight, prior_gap
from tfvae.diagnosis.verdict import COLLAPSED_RATE, extent, levels, verdict
from tfvae.inference import refines
from tfvae.values import number

__all__ = ["VERDICTS", "Diagnosis", "diagnose", "remedies"]

VERDICTS = (
    "no latent",
    "scale bug",
    "inference lag",
    "model collapse",
    "partial collapse",
    "healthy",
)

GAPS = ("usual", "full")
_LEAST_EXAMPLES = 10  # three of a healthy model show a bug of scale
_ALIKE = 0.05  # relative: two figures that should be one
_FAR = 3.0  # a weight beyond this factor is another objective; stationarity is known no better
_CLIPPED = 0.1  # share of the log-variances at an end of their range
_WIDE = 2.0  # a fixed variance beyond this factor of the best one
_GAIN = 0.1  # nats by which a better posterior must improve, and cost, to be one

# (model, further settings, why)
_REMEDIES = {
    "inference lag": (
        (
            "aggressive_vae",
            " --set=rate_weight=linear",
            "the encoder catches up before each step of the decoder",
        ),
        ("sa_vae", "", "gradient steps refine what the encoder proposes"),
        ("cyclical_vae", "", "the weight of the rate starts anew from 0, and the encoder with it"),
    ),
    "model collapse": (
        ("free_bits_vae", "", "the first nats of each unit cost nothing"),
        ("delta_vae", "", "a prior that no posterior reaches: the rate cannot fall below delta"),
        (
            "aggressive_vae",
            " --set=rate_weight=linear",
            "the code is learned before the decoder is",
        ),
    ),
    "partial collapse": (
        ("free_bits_vae", "", "a floor for each unit by itself"),
        ("rate_target_vae", "", "the rate that you name is held"),
        ("beta_vae", " --set=beta=0.5", "cheaper nats wake more units"),
    ),
}


@dataclasses.dataclass(frozen=True, repr=False)
class Diagnosis:
    """What `diagnose` found.

    Attributes:
        verdict: one of `VERDICTS`.
        summary: it in a sentence.
        evidence: sentences, the weightiest first.
        bugs: names of what is wrong with the scales, if anything.
        remedies: (command to paste, why), at most three.
        report: every figure, as `measure` names them, and more.
    """

    verdict: str
    summary: str
    evidence: tuple[str, ...]
    bugs: tuple[str, ...]
    remedies: tuple[tuple[str, str], ...]
    report: Mapping[str, Any]

    def __str__(self) -> str:
        """A text for a terminal."""
        lines = [f"{self.verdict.upper()}: {self.summary}", ""]
        lines += [f"  - {line}" for line in self.evidence]
        if self.remedies:
            lines += ["", "To try:"]
            lines += [f"  {command}\n      {why}" for command, why in self.remedies]
        if "full_gaps" in self.report:
            rows = gaps_table(self.report["full_gaps"])
            width = max(len(says) for says, _ in rows)
            lines += ["", "Gaps, nats:"]
            lines += [f"  {says:{width}}  {value:>22}" for says, value in rows]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """One line; `print` has the evidence and what to try."""
        return f"Diagnosis({self.verdict!r}: {self.summary})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return diagnosis_cell(self)

    def as_json(self) -> dict[str, Any]:
        """For diagnosis.json."""
        return {
            "verdict": self.verdict,
            "summary": self.summary,
            "evidence": list(self.evidence),
            "bugs": list(self.bugs),
            "remedies": [{"command": c, "why": w} for c, w in self.remedies],
            "report": dict(self.report),
        }


def diagnose(
    model,
    x: np.ndarray,
    *,
    label: np.ndarray | None = None,
    terms: Mapping[str, float] | None = None,
    weight: float | None = None,
    beta: float | None = 1.0,
    num_samples: int = 100,
    nll_examples: int = 200,
    gap_examples: int = 50,
    gap_steps: int = 300,
    gaps: str = "usual",
    temperatures: int = 200,
    chains: int = 16,
    seed: int = 0,
    inference: Callable | None = None,
    command: str = "python train_main.py --dataset=DATASET",
    progress: Callable[[str], None] | None = None,
) -> Diagnosis:
    """Examines a trained VAE on data like its training data.

    Args:
        model: a `tfvae.VAE`; somebody else's by `tfvae.foreign`.
        x: [N, ...] raw units, some hundreds at least.
        label: [N] of a conditional model.
        terms: what your training code says of the same data, as it says it, means over examples:
            `reconstruction` and `rate`, one or both. Their ratio to the true sums finds means over
            pixels and rates that were divided.
        weight: of the rate at the last step of training (1 in validation).
        beta: the weight that was meant; the one that the model shows is compared with it. `None`
            where the objective is not distortion + beta rate (free bits, targets, other terms).
        num_samples: importance samples of the NLL.
        nll_examples: of the NLL.
        gap_examples: whose posterior is optimised.
        gap_steps: of that.
        gaps: `full` for those of a flexible family too, against annealed importance sampling
            (`tfvae.diagnosis.full_gaps`).
        temperatures, chains: of annealing.
        seed: equal seeds give equal diagnoses.
        inference: how z is found for an x; if not given, as the model's procedure finds it (`measure`).
        command: what the proposed commands begin with.
        progress: called with what is being done.

    Raises:
        UserError: no such model, data or labels; too little of them; unknown terms.
    """
    x = inputs.array(model, x)
    if len(x) < _LEAST_EXAMPLES:
        raise UserError(f"a verdict needs at least {_LEAST_EXAMPLES} examples, got {len(x)}")
    if not model.decodes:
        raise UserError(
            "a model without a decoder has no use of its code that could be lost: measure says what it holds"
        )
    label = inputs.labels(model, label, len(x))
    if one_of("gaps", gaps, GAPS) == "full":
        check_movable(model)
    say = progress or (lambda text: None)
    unknown = sorted(set(terms or {}) - {"reconstruction", "rate"})
    if unknown:
        raise UserError(f"terms may be 'reconstruction' and 'rate', got {unknown[0]!r}")
    inference = trained_inference(model) if inference is None else inference
    refined = refines(inference)
    say("measuring")
    report = dict(
        measure(
            model,
            x,
            num_samples=num_samples,
            nll_examples=min(nll_examples, len(x)),
            seed=seed,
            inference=inference,
            label=label,
        )
    )
    if not model.has_latent:
        return Diagnosis("no latent", "the model has no latent to collapse.", (), (), (), report)
    bugs: dict[str, str] = {}
    evidence = [_usage(report), *(f"{name}: {words}" for name, words in levels(report).items())]
    if model.latent.refinable and model.latent.bound:
        say("optimising posteriors")
        some = inputs.some_rows(len(x), gap_examples)
        looked = x[some], None if label is None else label[some]
        evidence += _gaps(model, *looked, gap_steps, seed, inference, report)
        if gaps == "full":
            searched = gap_steps, temperatures, chains, seed, inference
            evidence += _full(model, *looked, *searched, report, say)
        say("looking for bugs of scale")
        gap = prior_gap(model, x, seed, label, inference=inference)
        report["prior_gap"], report["prior_gap_stderr"] = gap
        if not refined:  # which is no encoder's, and stands where its steps end
            bugs |= _of_posterior(model, x, label, beta, seed, report)
    elif model.latent.stochastic and model.latent.bound:
        evidence.append(
            "how far q(z|x) is from the best of its family for each x is not measured: that of a "
            f"{type(model.latent).__name__} cannot be moved for each x by itself"
        )
    if "effective weight" not in bugs:  # another weight fits other errors: one fault, one name
        meant = 1.0 if beta is None else beta
        bugs |= _of_decoder(x, meant if weight is None else weight, report)
    bugs |= _of_terms(terms or {}, x, report)
    if weight is not None and beta is not None and abs(weight - beta) > _ALIKE * beta:
        bugs["weight"] = (
            f"the weight of the rate was {weight:g} when training ended and {beta:g} was meant: "
            "what was trained is not what is validated; a schedule must end before the training does"
        )
    found = _verdict(report, bugs)
    sentences = [*bugs.values(), *evidence] if found == "scale bug" else [*evidence, *bugs.values()]
    if found == "healthy" and bugs:
        sentences.append(f"the code is {extent(report)} all the same; these are worth a look")
    return Diagnosis(
        found,
        _summary(found, report, bugs),
        tuple(sentences),
        tuple(bugs),
        _remedies(found, report, bugs, command),
        report,
    )


# ------------------------------------------------------------------ evidence


def _usage(report) -> str:
    used = report["active_units"]
    units = (
        f"{report['codes_used']} of {report['num_codes']} codes used"
        if used is None
        else f"{used} of {report['latent_units']} units active"
    )
    information = "mutual information unknown (it needs a density of every z)"
    if report["mutual_information"] is not None:
        information = (
            f"mutual information {number(report['mutual_information'], 3)} (of at most "
            f"{report['mutual_information_ceiling']:.2f})"
        )
    return (
        f"rate {number(report['rate'], 3)} nats, {information}, {units}; with another example's code "
        f"the decoder loses {number(report['shuffle_gap'], 3)} ± {report['shuffle_gap_stderr']:.3f} nats"
    )


def _gaps(model, x, label, steps, seed, inference, report) -> list[str]:
    gaps = inference_gaps(model, x, num_steps=steps, seed=seed, label=label, inference=inference)
    whose = "what the refinement finds" if refines(inference) else "the encoder's"
    for name in ("amortisation", "approximation"):
        value = getattr(gaps, name)
        report[f"{name}_gap"], report[f"{name}_gap_stderr"] = value
    report["refined_rate"] = gaps.refined_rate.mean
    report["refined_elbo"], report["gap_elbo"] = gaps.refined_elbo.mean, gaps.elbo.mean
    return [
        f"the best posterior of each of {len(x)} examples costs {number(gaps.refined_rate.mean, 3)} nats "
        f"and its bound is {number(gaps.amortisation.mean, 3)} ± {gaps.amortisation.standard_error:.3f} "
        f"nats above {whose} (amortisation gap); "
        f"{number(gaps.approximation.mean, 3)} are beyond any such posterior (approximation gap)"
    ]


def _full(model, x, label, steps, temperatures, chains, seed, inference, report, say) -> list[str]:
    found = full_gaps(
        model,
        x,
        num_steps=steps,
        temperatures=temperatures,
        chains=chains,
        seed=seed,
        label=label,
        inference=inference,
        progress=say,
    )
    report["full_gaps"] = {name: list(figure) for name, figure in found.figures.items()}
    report["annealing_accepted"] = found.accepted
    nats = {name: figure.mean for name, figure in found.figures.items()}
    return [
        f"log p(x) is {nats['log_likelihood']:.3f} at least: {nats['amortisation']:.3f} nats of the gap "
        f"below it are of how q is found, {nats['approximation']:.3f} the family's, of which a flexible one, "
        f"as far as it was searched, leaves {nats['flexible_approximation']:.3f}; annealing there and back "
        f"differs by {nats['simulated_between']:.3f} on data from the model"
    ]


# ------------------------------------------------------------------ bugs


def _of_posterior(model, x, label, beta, seed, report) -> dict[str, str]:
    bugs: dict[str, str] = {}
    log_variance = _log_variances(model, x, label)
    if log_variance is None:
        return bugs
    share, end = clipped_share(log_variance)
    report["clipped_share"] = share
    if share > _CLIPPED:
        bugs["clipped"] = (
            f"{share:.0%} of the log-variances lie exactly at {end:g}: they are clipped there, and "
            "what is clipped has no gradient"
        )
    found = effective_weight(model, x, seed=seed, label=label)
    report["effective_weight"], report["effective_weight_stderr"] = found.weight, found.stderr
    if beta is None or found.weight is None or found.weight <= 0:
        return bugs
    ratio = found.weight / beta
    if not 1 / _FAR < ratio < _FAR:
        dims = int(np.prod(x.shape[1:]))
        guess = ""
        if abs(ratio / dims - 1) < 0.5:
            guess = f", about the {dims} numbers of x: is the reconstruction their mean?"
        elif ratio < 1:
            guess = f", 1 / {1 / ratio:.0f}: is the rate divided by a batch, a width or a data set?"
        bugs["effective weight"] = (
            f"the {found.units} used units stand where a weight of {found.weight:.3g} on the rate "
            f"would hold them, and {beta:g} was meant{guess}"
        )
    return bugs


def _log_variances(model, x, label) -> np.ndarray | None:
    """Of q(z|x), [N, ...]; `None` where it is no diagonal Gaussian."""
    rows = []
    for start in range(0, len(x), 200):
        batch = model.likelihood.trim(x[start : start + 200])
        told = None if label is None else label[start : start + 200]
        gaussian = model.latent.mean_field(model.features(batch, told))
        if gaussian is None:
            return None
        rows.append(2.0 * np.log(gaussian[1].numpy()))
    return np.concatenate(rows)


def _of_decoder(x, beta, report) -> dict[str, str]:
    variance, best = report.get("decoder_variance"), report.get("tuned_decoder_variance")
    if variance is None or variance < _WIDE * best:
        return {}
    spectrum = data_spectrum(x)
    level = beta * variance
    report["data_directions_above_variance"] = above = int((spectrum > level).sum())
    return {
        "decoder variance": (
            f"the decoder's variance is held at {variance:g}, and its own errors say {best:.3g}: "
            f"in a linear VAE a unit is active only while the data vary by more than {level:g} along "
            f"it, and {above} of {len(spectrum)} directions do"
        )
    }


def _of_terms(terms, x, report) -> dict[str, str]:
    dims = int(np.prod(x.shape[1:]))
    bugs = {}
    if "reconstruction" in terms:
        bugs |= _of_reconstruction(float(terms["reconstruction"]), dims, report)
    if "rate" in terms and report["rate"] > 1e-4:
        ratio = float(terms["rate"]) / report["rate"]
        if abs(ratio - 1) > _ALIKE:
            of = {dims: "the numbers of x", report["latent_units"]: "the units"}
            named = [n for n in of if n and abs(ratio * n - 1) < _ALIKE]
            cause = f" = 1 / {named[0]}, {of[named[0]]}" if named else ""
            bugs["rate scaled"] = (
                f"your rate is {terms['rate']:.4g} and the true one {report['rate']:.4g} nats an "
                f"example: yours is multiplied by {ratio:.3g}{cause}"
            )
    return bugs


def _of_reconstruction(given: float, dims: int, report) -> dict[str, str]:
    """Against the sum in nats, and against sums and means of squares where the noise is Gaussian."""
    wanted = report["distortion"]
    means = {"the mean over the numbers of x": wanted / dims}
    variance = report.get("decoder_variance")
    if variance is not None:
        squares = report["tuned_decoder_variance"] * dims
        fine = squares / (2 * variance)
        if abs(given / fine - 1) < _ALIKE:
            return {}
        means = {
            "the mean of the squares (a variance of half the numbers of x)": squares / dims,
            "half the mean of the squares (a variance of the numbers of x)": squares / dims / 2,
            "the sum of the squares (a variance of 1/2)": squares,
            **means,
        }
    if abs(given / wanted - 1) < _ALIKE:
        return {}
    for name, value in means.items():
        if value and abs(given / value - 1) < _ALIKE:
            return {
                "reconstruction scaled": (
                    f"your reconstruction term is {given:.4g}, which is {name}, and not the sum over "
                    f"the {dims} numbers of an example, {wanted:.4g} nats: next to it the rate "
                    f"weighs {wanted / given:.3g} times what it should"
                )
            }
    return {
        "reconstruction scaled": (
            f"your reconstruction term is {given:.4g} and -log p(x|z) is {wanted:.4g} nats an example"
        )
    }


# ------------------------------------------------------------------ verdict

# without which the trained objective is another one; a weight that never got to 1 alone is milder
_GRAVE = {"reconstruction scaled", "rate scaled", "effective weight", "decoder variance", "clipped"}


def _verdict(report, bugs) -> str:
    plain = verdict(report)
    collapsed = plain in ("collapse", "unused rate")
    better = (
        report.get("refined_rate") is not None
        and report["refined_rate"] > max(_GAIN, COLLAPSED_RATE)
        and report["amortisation_gap"] > max(_GAIN, 3 * report["amortisation_gap_stderr"])
    )
    sure = {"reconstruction scaled", "rate scaled", "effective weight"} & set(bugs)
    if sure or (set(bugs) & (_GRAVE | {"weight"}) and plain != "healthy"):
        return "scale bug"
    if collapsed:
        return "inference lag" if better else "model collapse"
    return "partial collapse" if plain == "partial collapse" else "healthy"


def _summary(found, report, bugs) -> str:
    information = report["mutual_information"]
    nats = "" if information is None else f": {number(information)} nats of information"
    return {
        "scale bug": f"what was trained is not the ELBO ({', '.join(bugs)}).",
        "inference lag": "the decoder would use a code, but the encoder does not find it.",
        "model collapse": "the decoder has learned to do without the code; its true posterior is "
        "the prior, and no encoder could help.",
        "partial collapse": f"the code is {extent(report)}, and fewer than half of its units.",
        "healthy": f"the code is {extent(report)}{nats}.",
    }[found]


def _remedies(found, report, bugs, command) -> tuple[tuple[str, str], ...]:
    if found == "scale bug" and "decoder variance" in bugs:
        best = report["tuned_decoder_variance"]
        return (
            (f"{command} --model=vae --set=variance=none", "let the variance be learned"),
            (f"{command} --model=vae --set=variance={best:.3g}", "hold it at what the errors say"),
        )
    return remedies(found, command)


def remedies(found: str, command: str, but: str = "") -> tuple[tuple[str, str], ...]:
    """(command to paste, why) for a verdict, at most three.

    Args:
        found: of `VERDICTS`, or of `verdict`, which does not tell an inference that lags from a model
            that does without its code: what is for the latter, of which there is more, helps both.
        command: what the commands begin with.
        but: the model that was trained, which is no remedy for itself.
    """
    found = {"collapse": "model collapse", "unused rate": "model collapse"}.get(found, found)
    return tuple(
        (f"{command} --model={model}{more}", why)
        for model, more, why in _REMEDIES.get(found, ())
        if model != but
    )
