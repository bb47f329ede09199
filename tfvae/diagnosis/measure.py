"""The figures of report.json for a model and its test data: nats per example, always at weight 1.

Legend: N examples, B batch, G latent groups, S importance samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import inputs, metrics
from tfvae.checks import UserError, within
from tfvae.diagnosis.linear_gaussian import tuned
from tfvae.inference import amortised, refines
from tfvae.randomness import fold, seed_of

__all__ = ["information_in_batches", "measure", "trained_inference"]


def measure(
    model,
    x: np.ndarray,
    *,
    num_samples: int = 100,
    nll_examples: int | None = None,
    reference: int = 2000,
    batch_size: int = 100,
    seed: int = 0,
    auxiliary=None,
    inference: Callable | None = None,
    information_batch: int | None = None,
    label: np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measures a model; a figure that does not exist for it is `None`.

    Args:
        model: a `tfvae.VAE`.
        x: test data, [N, ...] raw units.
        num_samples: S, importance samples of the NLL.
        nll_examples: how many examples an estimated NLL is of, the same for every model and seed
            (`inputs.some_rows`); all if not given. An exact one is of all.
        reference: examples, chosen at random, against which mutual information is measured; ln of
            it is its ceiling.
        batch_size: examples at a time.
        seed: equal seeds give equal figures.
        auxiliary: the same model under an auxiliary prior (`model.with_prior(...)`).
        inference: how z is found for an x; if not given, as the model's procedure finds it: one that was
            trained with a refined posterior is measured with it.
        information_batch: also estimate mutual information as He et al. 2019 do, in batches of so
            many examples (32 for text, 50 for images): `mutual_information_batch`, whose ceiling is
            about the ln of that.
        label: [N] of a conditional model.
        progress: called with (examples done, N).

    Returns:
        the model's part of report.json. The NLL of a single example has no standard error. With
        `given_label` all of it is of p(x|label). A rate that is conditional on what x chose
        (`AssociativeLatent`) makes no ELBO and no NLL: these are `None`, distortion + rate is
        `conditional_objective`, and those of the fitted prior, where there is one, are honest.
        Without a decoder there is no distortion either.

    Raises:
        UserError: there are fewer than two examples, what is no data or label of the model, or an
            argument is out of its range.
    """
    x = inputs.array(model, x)
    if len(x) < 2:
        raise UserError(f"x must hold at least 2 examples, got {len(x)}")
    within("batch_size", batch_size, 1, np.inf)
    within("nll_examples", len(x) if nll_examples is None else nll_examples, 1, np.inf)
    base = seed_of(seed)
    inference = trained_inference(model) if inference is None else inference
    units = model.likelihood.units(tf.constant(x)).numpy()
    # Test sets are often sorted by class: in their own order the codes swapped would be of one
    # class, and the reference of few classes.
    order = np.random.default_rng(seed & 0x7FFFFFFF).permutation(len(x))
    batches = _batches(model, x, units, batch_size)
    chosen = inputs.labels(model, label, len(x))
    passes = _passes(model, batches, chosen, order, fold(base, 0), auxiliary, inference, progress)
    scores = (
        passes["log_likelihood"] if model.decodes else np.zeros(len(x))
    )  # and nothing said of them
    stream = metrics.RateDistortion().update(scores, passes["rate"])
    elbo = metrics.summarise(scores - passes["rate"].sum(1))
    report = {
        **stream.report(),
        "elbo_stderr": elbo.standard_error,
        "num_examples": len(x),
        "parameters": int(model.count_params()),
        **_nll(model, x, chosen, nll_examples, num_samples, fold(base, 1), inference),
        **(_code(model, passes, order[:reference]) if model.has_latent else _NO_CODE),
    }
    if chosen is not None and {"decoder", "prior"} & set(model.told):
        report["given_label"] = True  # all of it is of p(x|label), never of p(x)
    if not model.has_latent:  # nothing is estimated: every example is exact
        report.update(
            rate=None,
            rate_per_group=None,
            nll=-elbo.mean,
            nll_stderr=elbo.standard_error,
            nll_num_examples=len(x),
        )
    if not model.bound:
        report.update(elbo=None, elbo_stderr=None)
        report.update(
            {"conditional_objective": -elbo.mean} if model.decodes else {"distortion": None}
        )
    report.update(_per_unit(model, x, units, report))
    if model.decodes and getattr(model.likelihood, "variance", None) is not None:
        fixed, dims = model.likelihood.variance, int(np.prod(x.shape[1:]))
        best = tuned(fixed, report["distortion"], report["rate"] or 0.0, dims)
        report.update(decoder_variance=fixed, tuned_decoder_variance=best[0], tuned_elbo=best[1])
    if auxiliary is not None:
        rate = metrics.summarise(passes["auxiliary_rate"])
        nll = _nll(auxiliary, x, chosen, nll_examples, num_samples, fold(base, 1), amortised)
        report.update(
            auxiliary_rate=rate.mean,
            auxiliary_rate_stderr=rate.standard_error,
            auxiliary_elbo=-(report["distortion"] + rate.mean) if model.decodes else None,
            auxiliary_nll=nll["nll"],
            auxiliary_nll_stderr=nll["nll_stderr"],
        )
        if report["nll"] is None:
            report.update({name: nll[name] for name in ("nll_num_samples", "nll_num_examples")})
    if information_batch is not None and model.has_latent:
        estimate = information_in_batches(model, x, information_batch, fold(base, 2), label)
        report.update(
            mutual_information_batch=estimate, mutual_information_batch_size=information_batch
        )
    return report


def trained_inference(model) -> Callable:
    """That of the procedure that the model was compiled with, as in `evaluate`; else the encoder's own."""
    return getattr(getattr(model, "procedure", None), "inference", amortised)


def information_in_batches(model, x: np.ndarray, batch_size: int, seed, label=None) -> float:
    """I(x; z) as He et al. 2019 measure it: the mean over batches of `metrics.batch_information`.

    Args:
        model: a `tfvae.VAE` whose q(z|x) has a density of every z.
        x: [N, ...] raw units.
        batch_size: B, which bounds the estimate by about ln B.
        seed: [2] int32.
        label: [N] of a conditional model.

    Raises:
        UserError: there is no such density.
    """
    x = inputs.array(model, x)
    label = inputs.labels(model, label, len(x))
    units = model.likelihood.units(tf.constant(x)).numpy()
    total = 0.0
    for number, (rows, batch) in enumerate(_batches(model, x, units, batch_size)):
        told = _of(label, rows)
        pass_ = model.passed(fold(seed, number), label=told)
        drawn = model.latent.infer(model.features(tf.constant(batch), told, pass_), pass_)
        kept = model.latent.kept(drawn)
        log_aggregate = model.latent.log_aggregate(kept, kept)
        if log_aggregate is None:
            raise UserError(
                "the mutual information needs a q(z|x) with a density of every z, and that of "
                f"{type(model.latent).__name__} has none"
            )
        entropy = model.latent.entropy(drawn)
        total += len(rows) * metrics.batch_information(entropy, log_aggregate)
    return total / len(x)


def _per_unit(model, x, units, report) -> dict[str, Any]:
    """The NLL by pixel and channel for images, by token for text."""
    if report["nll"] is None or model.likelihood.density:
        return {"bits_per_dim": None, "perplexity": None}
    if model.likelihood.bits is not None:
        dims = int(np.prod(x.shape[1:]))
        return {"bits_per_dim": metrics.bits_per_dim(report["nll"], dims), "perplexity": None}
    measured = units[inputs.some_rows(len(units), report["nll_num_examples"])]
    perplexity = metrics.perplexity(report["nll"], float(measured.mean()))
    return {"bits_per_dim": None, "perplexity": perplexity, "tokens": float(units.mean())}


_NO_CODE: dict[str, Any] = dict.fromkeys(
    (
        "rate_stderr",
        "rate_is_exact",
        "mutual_information",
        "mutual_information_stderr",
        "mutual_information_reference",
        "mutual_information_ceiling",
        "marginal_kl",
        "active_units",
        "latent_units",
        "active_units_threshold",
        "active_units_sweep",
        "shuffle_gap",
        "shuffle_gap_stderr",
        "committed_rate",
        "committed_rate_per_group",
        "codebook_perplexity",
        "codes_used",
        "num_codes",
    )
)


def _batches(model, x, units, batch_size) -> list[tuple[np.ndarray, np.ndarray]]:
    """[(rows of x, those rows)]: sentences of about one length together, without common padding."""
    parts = np.array_split(np.argsort(units, kind="stable"), -(-len(x) // batch_size))
    return [(rows, model.likelihood.trim(x[rows])) for rows in parts]


def _of(label, rows) -> tf.Tensor | None:
    return None if label is None else tf.constant(label[rows])


def _passes(
    model, batches, label, order, seed, auxiliary, inference, progress
) -> dict[str, np.ndarray]:
    """One draw of each example and, with another's code, its likelihood; in the order of x."""

    @tf.function(reduce_retracing=True, autograph=False)
    def one(batch, label, seed):
        draw = inference(model, batch, seed, None, label=label)
        out = {"rate": draw.rate}
        if model.decodes:
            out["log_likelihood"] = draw.log_likelihood
        if not model.has_latent:
            return out
        out |= model.latent.kept(draw)
        exact = draw.at_draw is not None and draw.at_draw.rate_is_exact
        out["rate_is_exact"] = tf.fill(tf.shape(draw.rate)[:1], exact)
        if auxiliary is not None:
            rate = auxiliary.latent.rate(draw, auxiliary.passed(seed, label=label))
            out["auxiliary_rate"] = tf.reduce_sum(rate, -1)
        return out

    @tf.function(reduce_retracing=True, autograph=False)
    def swapped(batch, label, z):
        parameters = model.parameters(z, batch, label)
        return {"permuted": model.likelihood.log_prob(parameters, batch)}

    found: dict[str, np.ndarray] = {}

    def keep(rows, values):
        for name, value in values.items():
            kind = value.dtype.as_numpy_dtype
            whole = found.setdefault(name, np.zeros((len(order), *value.shape[1:]), kind))
            whole[rows] = value

    done = 0
    for rows, batch in batches:
        keep(rows, one(tf.constant(batch), _of(label, rows), fold(seed, done)))
        done += len(rows)
        if progress is not None:
            progress(done, len(order))
    if model.has_latent and model.decodes:
        partner = np.empty_like(order)
        partner[order] = np.roll(order, 1)
        for rows, batch in batches:
            z = tf.constant(found["z"][partner[rows]])
            keep(rows, swapped(tf.constant(batch), _of(label, rows), z))
    return found


_NLL_ROWS = 20  # examples at a time: each is decoded for many samples at once


def _nll(model, x, label, num_examples, num_samples, seed, inference) -> dict[str, Any]:
    """Importance-weighted, of `num_examples` of them; its place only, without a latent."""
    if not model.has_latent:
        return {"nll": None, "nll_num_samples": None, "nll_is_exact": True}
    if not model.bound:  # no p(z) or no p(x|z), and so no p(x)
        names = ("nll", "nll_stderr", "nll_num_samples", "nll_num_examples")
        return {**dict.fromkeys(names), "nll_is_exact": False}
    some = inputs.some_rows(len(x), num_examples)
    x, label = x[some], None if label is None else label[some]

    @tf.function(reduce_retracing=True, autograph=False)
    def score(batch, label, seed):
        refined = None
        if refines(inference):
            refined = inference(model, batch, fold(seed, 0), None, label=label).posterior
        return model.importance(batch, num_samples, fold(seed, 1), posterior=refined, label=label)

    values, sizes = np.zeros([2, len(x)], np.float32)
    units = model.likelihood.units(tf.constant(x)).numpy()
    for number, (rows, batch) in enumerate(_batches(model, x, units, _NLL_ROWS)):
        found = score(tf.constant(batch), _of(label, rows), fold(seed, number))
        values[rows], sizes[rows] = -found[0], found[1]
    summary = metrics.summarise(values)
    return {
        "nll": summary.mean,
        "nll_stderr": summary.standard_error if len(x) > 1 else None,
        "nll_num_samples": num_samples,
        "nll_num_examples": len(x),
        "nll_effective_samples": float(np.median(sizes)),
        "nll_is_exact": False,
    }


def _code(model, passes, chosen) -> dict[str, Any]:
    """What the code holds, and whether the decoder uses it; `chosen` is the reference."""
    gap = {}
    if model.decodes:
        found = metrics.shuffle_gap(passes["log_likelihood"], passes["permuted"])
        gap = {"shuffle_gap": found.mean, "shuffle_gap_stderr": found.standard_error}
    latent, reference = model.latent, {name: kept[chosen] for name, kept in passes.items()}
    return {
        **_NO_CODE,
        **_levels(latent, passes),
        **_information(latent, reference),
        **_units(latent, passes),
        **_codebooks(latent, passes),
        **_dependence(latent, passes),
        "rate_stderr": metrics.summarise(passes["rate"].sum(1)).standard_error,
        "rate_is_exact": bool(passes["rate_is_exact"].all()),
        "active_units_threshold": metrics.ACTIVE_THRESHOLD,
        **gap,
    }


def _information(latent, reference) -> dict[str, Any]:
    """I(x; z) and KL(q(z) || p(z)), where q(z) is known: of codes H(k), of whole sequences.

    Where each label has a p(z|y) of its own there is no one p(z), and so not the second.
    """
    by_level = latent.log_aggregates(reference, reference)
    if by_level is None:
        log_aggregate = latent.log_aggregate(reference, reference)
    else:
        log_aggregate = by_level[latent.levels()[-1]]
    if log_aggregate is None:
        return {}
    information = metrics.mutual_information(reference["log_posterior"], log_aggregate)
    beside = None
    if latent.bound and not latent.prior_asks_label:
        beside = metrics.marginal_kl(log_aggregate, reference["log_prior"]).mean
    number = len(reference["log_posterior"])
    return {
        "mutual_information": information.mean,
        "mutual_information_stderr": information.standard_error,
        "mutual_information_reference": number,
        "mutual_information_ceiling": float(np.log(number)),
        "marginal_kl": beside,
        **({} if by_level is None else _added(latent, reference, by_level)),
    }


def _added(latent, reference, by_level) -> dict[str, Any]:
    """What each level adds: I(x; z_l | z_above), and KL(q(z_l | z_above) || p(z_l | z_above))."""
    information, marginal, above = {}, {}, 0.0
    for name, log_aggregate in by_level.items():
        own = np.asarray(log_aggregate, np.float64) - above  # log q(z_l | z_above)
        above = np.asarray(log_aggregate, np.float64)
        known = reference[f"{name}/log_posterior"], reference.get(f"{name}/log_prior")
        information[name] = metrics.mutual_information(known[0], own).mean
        absent = known[1] is None or latent.prior_asks_label
        marginal[name] = None if absent else metrics.marginal_kl(own, known[1]).mean
    return {"mutual_information_per_level": information, "marginal_kl_per_level": marginal}


def _levels(latent, passes) -> dict[str, Any]:
    """Of a z of several levels, {level: figure}: its rate, its units, how many of them are active."""
    names = latent.levels()
    variances = {
        n: metrics.unit_variances(passes[f"{n}/mean"]) for n in names if f"{n}/mean" in passes
    }
    found = {
        "rate_per_level": {n: metrics.summarise(passes[f"{n}/rate"]).mean for n in names},
        "active_units_per_level": {n: metrics.active_units(v) for n, v in variances.items()},
        "latent_units_per_level": {n: int(v.size) for n, v in variances.items()},
        **dict.fromkeys(("mutual_information_per_level", "marginal_kl_per_level")),
    }
    return found if names else {}


def _units(latent, passes) -> dict[str, Any]:
    """Of a z that is drawn: what its deterministic code makes of the data."""
    if "mean" not in passes:
        return {}
    variances = metrics.unit_variances(passes["mean"])
    committed = latent.committed_rate
    return {
        "active_units": metrics.active_units(variances),
        "latent_units": int(variances.size),
        "active_units_sweep": metrics.sweep(variances),
        "committed_rate": None if committed is None else float(np.sum(committed)),
        "committed_rate_per_group": None if committed is None else list(map(float, committed)),
    }


def _dependence(latent, passes) -> dict[str, Any]:
    """Of a z that is multiplied by noise: TC of ln z at the draws, as if Gaussian, by number."""
    if not latent.positive:
        return {}
    z, found = passes["z"], None
    width = int(np.prod(z.shape[1:]))
    if len(z) > width:
        found = metrics.gaussian_total_correlation(np.log(z.astype(np.float64))) / width
    return {"log_total_correlation": found}


def _codebooks(latent, passes) -> dict[str, Any]:
    """How much of each codebook is used: the mean perplexity, and the codes of all together."""
    codebooks = latent.codebooks()
    if not codebooks:
        return {}
    usages = [
        np.bincount(passes[f"codes_{i}"].ravel(), minlength=codebook.num_codes)
        for i, codebook in enumerate(codebooks)
    ]
    return {
        "codebook_perplexity": float(np.mean([metrics.codebook_perplexity(u) for u in usages])),
        "codes_used": int(sum((usage > 0).sum() for usage in usages)),
        "num_codes": sum(codebook.num_codes for codebook in codebooks),
    }
