"""The figures of report.json for a model and its test data: nats per example, always at weight 1.

Legend: N examples, B batch, G latent groups.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import metrics
from tfvae.checks import UserError, within
from tfvae.randomness import fold, seed_of

__all__ = ["measure"]


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
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measures a model; a figure that does not exist for it is `None`.

    Args:
        model: a `tfvae.VAE`.
        x: test data, [N, H, W, C] raw units.
        num_samples: importance samples of the NLL.
        nll_examples: the first so many examples for an estimated NLL; all if not given. An
            exact one is of all.
        reference: examples, chosen at random, against which mutual information is measured; ln of
            it is its ceiling.
        batch_size: examples at a time, at least 2.
        seed: equal seeds give equal figures.
        auxiliary: the same model under an auxiliary prior (`model.with_prior(...)`).
        progress: called with (examples done, N).

    Returns:
        the model's part of report.json. The NLL of a single example has no standard error.

    Raises:
        UserError: there are fewer than two examples, or an argument is out of its range.
    """
    if len(x) < 2:
        raise UserError(f"x must hold at least 2 examples, got {len(x)}")
    within("batch_size", batch_size, 2, np.inf)  # the swap gap needs a partner
    within("nll_examples", len(x) if nll_examples is None else nll_examples, 1, np.inf)
    base = seed_of(seed)
    # Test sets are often sorted by class: in their own order the codes swapped would be of one
    # class, and the reference of few classes.
    order = np.random.default_rng(seed & 0x7FFFFFFF).permutation(len(x))
    passes = _passes(model, x[order], batch_size, fold(base, 0), auxiliary, progress)
    stream = metrics.RateDistortion().update(passes["log_likelihood"], passes["rate"])
    elbo = metrics.summarise(passes["log_likelihood"] - passes["rate"].sum(1))
    report = {
        **stream.report(),
        "elbo_stderr": elbo.standard_error,
        "num_examples": len(x),
        "parameters": int(model.count_params()),
        **_nll(model, x, nll_examples, num_samples, fold(base, 1)),
        **(_code(model, passes, reference) if model.has_latent else _NO_CODE),
    }
    if not model.has_latent:  # nothing is estimated: every example is exact
        report.update(
            rate=None,
            rate_per_group=None,
            nll=-elbo.mean,
            nll_stderr=elbo.standard_error,
            nll_num_examples=len(x),
        )
    dims = int(np.prod(x.shape[1:]))
    report["bits_per_dim"] = metrics.bits_per_dim(report["nll"], dims)
    if auxiliary is not None:
        rate = metrics.summarise(passes["auxiliary_rate"])
        nll = _nll(auxiliary, x, nll_examples, num_samples, fold(base, 1))
        report.update(
            auxiliary_rate=rate.mean,
            auxiliary_rate_stderr=rate.standard_error,
            auxiliary_elbo=-(report["distortion"] + rate.mean),
            auxiliary_nll=nll["nll"],
            auxiliary_nll_stderr=nll["nll_stderr"],
        )
    return report


_NO_CODE = dict.fromkeys(
    (
        "rate_stderr",
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
    )
)


def _passes(model, x, batch_size, seed, auxiliary, progress) -> dict[str, np.ndarray]:
    """One draw of each example, in batches by one compiled function; x in random order."""

    @tf.function(reduce_retracing=True)
    def one(batch, seed):
        draw = model.draw(batch, seed)
        out = {"log_likelihood": draw.log_likelihood, "rate": draw.rate}
        if model.has_latent:
            inputs = model.likelihood.preprocess(batch)
            parameters = model.decoder(tf.roll(draw.z, 1, 0), inputs)
            out.update(
                z=draw.z,
                features=draw.features,
                mean=draw.posterior.mean(),
                log_posterior=draw.posterior.log_prob(draw.z),
                permuted=model.likelihood.log_prob(parameters, batch),
            )
            if auxiliary is not None:
                rate = auxiliary.latent.prior.rate(draw.posterior, draw.z)
                out["auxiliary_rate"] = tf.reduce_sum(rate, -1)
        return out

    batches, done = [], 0
    for batch in np.array_split(x, -(-len(x) // batch_size)):  # even: nobody is alone in a batch
        batches.append(one(tf.constant(batch), fold(seed, done)))
        done += len(batch)
        if progress is not None:
            progress(done, len(x))
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


_NLL_ROWS = 20  # examples at a time: each is decoded for many samples at once


def _nll(model, x, num_examples, num_samples, seed) -> dict[str, Any]:
    """Importance-weighted, of the first `num_examples`; its place only, without a latent."""
    if not model.has_latent:
        return {"nll": None, "nll_num_samples": None, "nll_is_exact": True}
    x = x[:num_examples]
    score = tf.function(lambda b, s: model.log_prob(b, num_samples, s), reduce_retracing=True)
    starts = range(0, len(x), _NLL_ROWS)
    parts = [score(tf.constant(x[i : i + _NLL_ROWS]), fold(seed, i)) for i in starts]
    summary = metrics.summarise(-np.concatenate(parts))
    return {
        "nll": summary.mean,
        "nll_stderr": summary.standard_error if len(x) > 1 else None,
        "nll_num_samples": num_samples,
        "nll_num_examples": len(x),
        "nll_is_exact": False,
    }


def _code(model, passes, reference) -> dict[str, Any]:
    """What the code holds, and whether the decoder uses it."""
    number = min(reference, len(passes["z"]))
    features = tf.constant(passes["features"][:number])
    posterior = model.latent.infer(features, seed_of(0)).posterior
    z = passes["z"][:number]
    information = metrics.information(
        passes["log_posterior"][:number],
        metrics.aggregate_log_prob(z, posterior),
        model.prior().log_prob(z),
        number,
    )
    variances = metrics.unit_variances(passes["mean"])
    gap = metrics.shuffle_gap(passes["log_likelihood"], passes["permuted"])
    committed = getattr(model.latent.prior, "committed_rate", None)
    return {
        "rate_stderr": metrics.summarise(passes["rate"].sum(1)).standard_error,
        "mutual_information": information.mutual_information.mean,
        "mutual_information_stderr": information.mutual_information.standard_error,
        "mutual_information_reference": number,
        "mutual_information_ceiling": information.ceiling,
        "marginal_kl": information.marginal_kl.mean,
        "active_units": metrics.active_units(variances),
        "latent_units": int(variances.size),
        "active_units_threshold": metrics.ACTIVE_THRESHOLD,
        "active_units_sweep": metrics.sweep(variances),
        "shuffle_gap": gap.mean,
        "shuffle_gap_stderr": gap.standard_error,
        "committed_rate": None if committed is None else float(np.sum(committed)),
        "committed_rate_per_group": None if committed is None else list(map(float, committed)),
    }
