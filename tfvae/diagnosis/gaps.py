"""What the encoder leaves on the table: posteriors optimised for each example, the decoder held.

    approximation gap = log p(x) - L[q*],   amortisation gap = L[q*] - L[q],   L[q] = the ELBO

Cremer, Li and Duvenaud, "Inference Suboptimality in Variational Autoencoders", ICML 2018.

Legend: N examples, S samples a step, D numbers of z.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import inputs, metrics
from tfvae.checks import UserError, count
from tfvae.diagnosis.held_prior import with_held_prior
from tfvae.diagnosis.measure import trained_inference
from tfvae.inference import refines
from tfvae.metrics import Summary
from tfvae.randomness import fold, seed_of

__all__ = ["Gaps", "inference_gaps"]

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class Gaps(NamedTuple):
    """Means over the examples with standard errors, nats; what was compared was compared pairwise.

    Attributes:
        elbo: L[q] of the encoder, or of what refines its answer.
        refined_elbo: L[q*] with q optimised for each example.
        log_likelihood: log p(x), importance-weighted from q*.
        amortisation: L[q*] - L[q].
        approximation: log p(x) - L[q*].
        refined_rate: of q*.
        parameters: of q*, (mean, log-variance) of a Gaussian, each [N, ...].
        each: the first three of each example, {name: [N] nats}.
    """

    elbo: Summary
    refined_elbo: Summary
    log_likelihood: Summary
    amortisation: Summary
    approximation: Summary
    refined_rate: Summary
    parameters: tuple[np.ndarray, ...]
    each: Mapping[str, np.ndarray]


def inference_gaps(
    model,
    x: np.ndarray,
    num_steps: int = 300,
    num_samples: int = 4,
    learning_rate: float = 0.05,
    final_samples: int = 100,
    batch_size: int = 50,
    seed: int = 0,
    label: np.ndarray | None = None,
    start: Sequence[np.ndarray] = (),
    inference: Callable | None = None,
) -> Gaps:
    """Optimises q for each example and says what that gains.

    The search starts twice, at a q that knows nothing of x (N(0, I) of a Gaussian) and at the encoder's own
    answer (a search that starts there alone and ends early finds no gap by construction), by Adam with a
    rate that falls to 0; the better of the two by fresh draws is kept, and scored by others that are fresh
    again.

    Args:
        model: a `tfvae.VAE` with a posterior of some family.
        x: [N, ...] raw units.
        num_steps: of Adam.
        num_samples: S, draws of z a step.
        learning_rate: at the first step.
        final_samples: draws for each ELBO, and for log p(x).
        batch_size: examples at a time.
        seed: equal seeds give equal figures.
        label: [N] of a conditional model.
        start: the first of the parameters, [N, ...] each, that the second search starts at instead of the
            encoder's: those of a smaller family's q*. What is found is then averaged over the second half of
            the steps, and no worse than the start.
        inference: how z is found for an x, as `measure` has it: where it refines the encoder's answer, the
            refined q is the one whose gap is measured.

    Raises:
        UserError: the model has no posterior with a density, or no p(z).
    """
    x = inputs.array(model, x)
    latent = model.latent
    if not latent.refinable or not latent.bound:
        raise UserError(
            "gaps of inference need a posterior that can be given for each x anew, and a prior p(z)"
        )
    for name, value in (("num_steps", num_steps), ("final_samples", final_samples)):
        count(name, value)
    label = inputs.labels(model, label, len(x))
    inference = trained_inference(model) if inference is None else inference
    model = with_held_prior(model)
    latent = model.latent

    def answer(batch, told, seed):
        """Parameters of q, as it is found without a search."""
        if not refines(inference):
            return latent.parameters(model.features(batch, told))
        posterior = inference(model, batch, fold(seed, 6), None, label=told).posterior
        return latent.parameters_of(posterior)

    def score(parameters, batch, told, seed, number):
        """Draws of the ELBO, [number, n], and of the rate, under q with these parameters."""

        def one(index):
            pass_ = model.passed(fold(seed, index), label=told)
            inferred = latent.infer_from(latent.of(*parameters), pass_)
            draw = model.score(batch, None, inferred, label=told)
            return draw.elbo, tf.reduce_sum(draw.rate, -1)

        spec = tf.TensorSpec([None], tf.float32)
        return tf.map_fn(one, tf.range(number), fn_output_signature=(spec, spec))

    @tf.function(reduce_retracing=True, autograph=False)
    def search(batch, told, seed, given):
        own = answer(batch, told, seed)
        own = [*given, *own[len(given) :]]
        begun = [tf.concat(pair, 0) for pair in zip(latent.neutral(own), own)]
        twice = tf.concat([batch, batch], 0)
        told_twice = None if told is None else tf.concat([told, told], 0)

        def body(step, parameters, first, second, mean):
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                total = 0.0
                for index in range(num_samples):
                    pass_ = model.passed(fold(seed, 0, step, index), label=told_twice)
                    inferred = latent.infer_from(latent.of(*parameters), pass_)
                    total -= tf.reduce_sum(
                        model.score(twice, None, inferred, label=told_twice).elbo
                    )
                loss = total / num_samples
            gradients = tape.gradient(loss, parameters)
            at = tf.cast(step + 1, tf.float32)
            rate = learning_rate * (1.0 - tf.cast(step, tf.float32) / num_steps)
            first = [_BETA1 * m + (1 - _BETA1) * g for m, g in zip(first, gradients)]
            second = [_BETA2 * v + (1 - _BETA2) * g * g for v, g in zip(second, gradients)]
            moved = [
                p - rate * m / (1 - _BETA1**at) / (tf.sqrt(v / (1 - _BETA2**at)) + _EPSILON)
                for p, m, v in zip(parameters, first, second)
            ]
            if start:  # over the second half of the steps
                share = tf.maximum(tf.cast(step - num_steps // 2, tf.float32) + 1.0, 1.0)
                mean = [m + (p - m) / share for m, p in zip(mean, moved)]
            else:
                mean = moved
            return step + 1, moved, first, second, mean

        zeros = [tf.zeros_like(p) for p in begun]
        found = tf.while_loop(
            lambda *_: True, body, (0, begun, zeros, zeros, begun), maximum_iterations=num_steps
        )[-1]
        chosen = tf.reduce_mean(score(found, twice, told_twice, fold(seed, 1), final_samples)[0], 0)
        ours, theirs = tf.split(chosen, 2)
        halves = [tf.split(p, 2) for p in found]

        ends, scores = [list(half) for half in zip(*halves)], [ours, theirs]
        if start:
            ends.append(own)
            draws = score(own, batch, told, fold(seed, 5), final_samples)[0]
            scores.append(tf.reduce_mean(draws, 0))
        best = tf.argmax(scores, 0)
        return [tf.gather(tf.stack(p, 1), best, batch_dims=1) for p in zip(*ends)]

    @tf.function(reduce_retracing=True, autograph=False)
    def final(batch, told, parameters, seed):
        own, _ = score(answer(batch, told, seed), batch, told, fold(seed, 2), final_samples)
        best, rate = score(parameters, batch, told, fold(seed, 3), final_samples)
        likelihood = model.log_prob(
            batch, final_samples, fold(seed, 4), posterior=latent.of(*parameters), label=told
        )
        return [tf.reduce_mean(v, 0) for v in (own, best, rate)] + [likelihood]

    columns, parameters = [], []
    for begin in range(0, len(x), batch_size):
        rows = slice(begin, begin + batch_size)
        batch = tf.constant(model.likelihood.trim(x[rows]))
        told = None if label is None else tf.constant(label[rows])
        seed_here = fold(seed_of(seed), begin)
        best = search(batch, told, seed_here, [tf.constant(part[rows]) for part in start])
        parameters.append([p.numpy() for p in best])
        columns.append([v.numpy() for v in final(batch, told, best, seed_here)])
    own, refined, rate, likelihood = (np.concatenate(column) for column in zip(*columns))
    return Gaps(
        *(
            metrics.summarise(values)
            for values in (own, refined, likelihood, refined - own, likelihood - refined, rate)
        ),
        parameters=tuple(np.concatenate(part) for part in zip(*parameters)),
        each={"elbo": own, "refined_elbo": refined, "log_likelihood": likelihood},
    )
