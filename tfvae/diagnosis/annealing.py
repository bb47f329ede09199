"""Annealed importance sampling of log p(x), and its reverse, with Hamiltonian steps between the temperatures.

    f_t(z) = p(z) p(x|z)^beta_t,   log w = sum_t (beta_t+1 - beta_t) log p(x|z_t),   beta_t from 0 to 1

Neal 2001; Grosse, Ancha and Roy 2016 (bidirectional Monte Carlo); Wu, Burda, Salakhutdinov and Grosse 2017.

Legend: N examples, C chains of each, T temperatures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import inputs
from tfvae.checks import UserError, count
from tfvae.diagnosis.held_prior import with_held_prior
from tfvae.randomness import fold, seed_of

__all__ = ["Annealed", "annealed", "check_annealed", "temperatures"]

_LEAPS, _WANTED, _AVERAGE = 10, 0.65, 0.9
_FIRST, _LEAST, _LARGEST = 0.05, 1e-4, 0.5  # length of a leap


class Annealed(NamedTuple):
    """Of each example, [N] float64.

    Attributes:
        estimate: log of the mean of w (of a reverse chain: minus that of 1 / w), nats. Below log p(x) in
            expectation, and of a reverse chain above it.
        mean: of log w, nats: as the estimate, and farther off.
        accepted: share of the proposals.
    """

    estimate: np.ndarray
    mean: np.ndarray
    accepted: np.ndarray


def temperatures(number: int) -> np.ndarray:
    """[T] from 0 to 1: (s(t) - s(1)) / (s(T) - s(1)), s(t) = sigmoid(4 (2 t / T - 1)); float64."""
    at = np.arange(1, number + 1) / number
    s = 1.0 / (1.0 + np.exp(-4.0 * (2.0 * at - 1.0)))
    return (s - s[0]) / (s[-1] - s[0])


def annealed(
    model,
    x: np.ndarray,
    number: int = 200,
    chains: int = 16,
    seed: int = 0,
    label: np.ndarray | None = None,
    exact: np.ndarray | None = None,
    batch_size: int = 20,
) -> Annealed:
    """Bounds of log p(x) that need no posterior but the true one, of which the chains find draws.

    Ten leaps of Hamiltonian dynamics at each temperature, whose length follows each chain's acceptance (up
    by 2 % above 0.65, down by 2 % below), as published.

    Args:
        model: a `tfvae.VAE` whose z may be any numbers.
        x: [N, ...] raw units.
        number: T, 2 or more.
        chains: C.
        seed: equal seeds give equal figures.
        label: [N] of a conditional model.
        exact: a draw of p(z|x) for each, [N, ...]: of data drawn from the model, the z that they were drawn
            from. The chains start there and go back to the prior: an upper bound.
        batch_size: examples at a time.

    Raises:
        UserError: codes, no latent, z on a sphere, or no density p(z).
    """
    x = inputs.array(model, x)
    check_annealed(model)
    if count("number of temperatures", number) < 2:
        raise UserError(f"number of temperatures must be 2 or more, got {number}")
    count("chains", chains)
    label = inputs.labels(model, label, len(x))
    model = with_held_prior(model)
    betas = temperatures(number)
    if exact is not None:
        betas = betas[::-1]
    run = tf.function(
        lambda *given: _run(model, tf.constant(betas, tf.float32), chains, exact is None, *given),
        reduce_retracing=True,
        autograph=False,
    )
    columns = []
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        told = None if label is None else tf.constant(label[rows])
        first = None if exact is None else tf.constant(exact[rows], tf.float32)
        batch = tf.constant(model.likelihood.trim(x[rows]))
        found = run(batch, told, first, fold(seed_of(seed), start))
        columns.append([v.numpy().astype(float) for v in found])
    log_w, accepted = (np.concatenate(column, 1) for column in zip(*columns))
    sign = 1.0 if exact is None else -1.0
    highest = (sign * log_w).max(0)
    estimate = sign * (np.log(np.exp(sign * log_w - highest).mean(0)) + highest)
    return Annealed(estimate, log_w.mean(0), accepted.mean(0))


def check_annealed(model) -> None:
    """Refuses a model whose z cannot be moved so.

    Raises:
        UserError: codes, no latent, z on a sphere, or no density p(z).
    """
    latent = model.latent
    if not latent.stochastic or not model.bound:
        raise UserError(
            f"annealing goes from p(z) to p(z|x) over real numbers, and a {type(latent).__name__} has "
            "no such densities"
        )
    if latent.confined_to:
        raise UserError(
            "annealing moves z by Hamiltonian steps to any numbers, and here z is "
            + latent.confined_to
        )


def _run(model, betas, chains, forward, x, told, first, seed):
    """log w and the share of accepted proposals, each [C, N]."""
    latent, rows = model.latent, tf.shape(x)[0]
    tiled = tf.tile(x, [chains] + [1] * (len(x.shape) - 1))
    labels = None if told is None else tf.tile(told, [chains])
    pass_ = model.passed(fold(seed, 0), label=labels)

    def log_likelihood(z):
        parameters = model.parameters(z, tiled, labels)
        return tf.cast(model.likelihood.log_prob(parameters, tiled), tf.float32)

    def moved(z, beta, leap, seed):
        kernel = tfp.mcmc.HamiltonianMonteCarlo(
            lambda z: latent.log_prior(z, pass_) + beta * log_likelihood(z),
            tf.reshape(leap, [-1] + [1] * len(latent.event_shape)),
            _LEAPS,
        )
        z, results = kernel.one_step(z, kernel.bootstrap_results(z), seed=seed)
        return z, tf.cast(results.is_accepted, tf.float32)

    if first is None:
        first = latent.sample(chains * rows, pass_)
    else:
        first = tf.tile(first, [chains] + [1] * len(latent.event_shape))

    def body(t, z, log_w, leap, average, total):
        here, there = betas[t], betas[t + 1]
        if forward:
            log_w += (there - here) * log_likelihood(z)
        # the same kernels both ways: of the temperature behind a forward step, before a backward one
        z, accepted = moved(z, there if forward else here, leap, fold(seed, 1, t))
        if not forward:
            log_w += (here - there) * log_likelihood(z)
        average = _AVERAGE * average + (1 - _AVERAGE) * accepted
        leap *= tf.where(average > _WANTED, 1.02, 0.98)
        return t + 1, z, log_w, tf.clip_by_value(leap, _LEAST, _LARGEST), average, total + accepted

    zeros = tf.zeros([chains * rows])
    steps = betas.shape[0] - 1
    start = (tf.constant(0), first, zeros, zeros + _FIRST, zeros + _WANTED, zeros)
    _, _, log_w, _, _, total = tf.while_loop(
        lambda *_: True, body, start, maximum_iterations=steps, parallel_iterations=1
    )
    return tf.reshape(log_w, [chains, -1]), tf.reshape(total / steps, [chains, -1])
