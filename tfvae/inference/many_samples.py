"""Several draws of one posterior, and how much each counts.

Legend: B batch, G latent groups, K samples.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError, count, one_of
from tfvae.draw import Draw
from tfvae.inference.path_gradients import GRADIENTS, Path
from tfvae.objectives import ManySampleBound
from tfvae.parts import Part, facts, part, setting

__all__ = ["many_samples"]

_FURTHER = 0x1A4E  # the noise of the draws behind the first


def many_samples(num: int, gradient: str = "plain") -> Callable:
    """z_1 ... z_K ~ q(z|x), with log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x).

    Burda, Grosse and Salakhutdinov 2016. For `tfvae.objectives.ManySampleBound`. `aux["log_weights"]` of the
    draw is [B, K]; its z is the first of them, with the noise of `amortised`, which K = 1 is; its rate and
    log-likelihood are means over the K, so that its ELBO is one of K draws. x is encoded once; memory grows
    with K, as all of them are decoded at once.

    Args:
        num: K.
        gradient: how the bound's gradient reaches the posterior, of `GRADIENTS` (`path_gradients` has the
            formulas); all but `plain` ask for a posterior with a density of every z.

    Returns:
        `(model, x, seed, step, label) -> Draw`.

    Raises:
        UserError: an unknown gradient; when called: nothing is drawn (codes, no latent), or the weights make
            no bound, or the posterior is known at its own draws alone and another gradient is wanted.
    """
    num = count("num of many_samples", num)
    one_of("gradient of many_samples", gradient, GRADIENTS)

    def inference(model, x, seed, step=None, label=None) -> Draw:
        latent = model.latent
        if not latent.stochastic or not model.bound:
            raise UserError(
                f"many_samples weighs draws of a posterior by p(x, z) / q(z|x), and a "
                f"{type(latent).__name__} has no such weights"
                f"{'' if model.decodes else ' without a decoder'}"
            )
        pass_ = model.passed(seed, step, step is not None, label)
        features, first = model.infer(x, pass_, label)
        passes, drawn = [pass_], [first]
        if num > 1:
            passes.append(pass_.but(seed=pass_.noise(_FURTHER), told=_each(pass_.told, num - 1)))
            drawn.append(latent.infer(_each(features, num - 1), passes[1]))
        weighed, ratios, paths = _weighed(latent, drawn, passes, gradient)
        z, rate, log_ratio = (
            _side_by_side(parts, num) for parts in (weighed, [i.rate for i in drawn], ratios)
        )
        # example by example, so that the decoder's noise of N replicas is that of one device
        every = drawn[0]._replace(z=tf.reshape(z, [-1, *latent.event_shape]))
        noise = None if step is None else seed
        scored = model.score(_each(x, num), None, every, noise, _each(label, num))
        log_likelihood = tf.reshape(scored.log_likelihood, [-1, num])
        log_weights = log_likelihood + log_ratio
        share = tf.stop_gradient(tf.nn.softmax(tf.cast(log_weights, tf.float32), -1))
        for path, own in zip(paths, (share[:, :1], share[:, 1:])):
            path.factor = tf.reshape(own, [-1])
        aux = {**drawn[0].aux, "log_weights": log_weights}
        first = drawn[0]._replace(rate=tf.reduce_mean(rate, 1), aux=aux)
        mean = tf.reduce_mean(log_likelihood, 1)
        return Draw.of(x, features, first, mean, model.as_label(label))

    inference.refines = False  # the draws are those of the encoder's q
    return inference


def _weighed(latent, drawn, passes, gradient):
    """(draws as they are weighed, their log p(z) - log q(z|x), the paths whose factors are still to come)."""
    if gradient == "plain":
        return [i.z for i in drawn], [i.log_ratio() for i in drawn], []
    paths = [Path() for _ in drawn] if gradient == "doubly_reparameterised" else []
    weighed = [path(i.z) for path, i in zip(paths, drawn)] or [i.z for i in drawn]
    ratios = [
        latent.log_prior(z, own) - latent.log_posterior_held(i, z)
        for i, z, own in zip(drawn, weighed, passes)
    ]
    return weighed, ratios, paths


def _each(values, num: int):
    """Every example `num` times in a row, [B, ...] -> [B * num, ...]; `None` stays."""
    return tf.nest.map_structure(lambda t: None if t is None else tf.repeat(t, num, 0), values)


def _side_by_side(parts, num: int) -> tf.Tensor:
    """[B, ...] and [B * (K - 1), ...] -> [B, K, ...], K known to a graph as well."""
    shape = tf.shape(parts[0])
    return tf.concat(
        [
            tf.reshape(p, tf.concat([shape[:1], [here], shape[1:]], 0))
            for p, here in zip(parts, (1, num - 1))
        ],
        1,
    )


@part
class ManySamples(Part):
    """log of a mean of weights, over K draws of the posterior (IWAE, Burda et al. 2016)."""

    place, name = "bound", "many_samples"
    needs = facts("density decodes prior_without_rows exact_gradient")
    offers = facts("encoder_posterior")
    closes = ("rate_weight", "rate_budget", "on_collapse", "inference")
    num_samples: int = setting(5, "K; memory grows with it", low=1, high=100_000)
    sample_gradient: str = setting(
        "plain",
        "how the gradient reaches the posterior: all of it; sticking_the_landing, through the draws alone "
        "(biased for K > 1); doubly_reparameterised, the same by squared weights (unbiased)",
        choices=GRADIENTS,
    )

    def needed(self):
        own = facts("density_of_every_z") if self.sample_gradient != "plain" else facts()
        return self.needs | own

    def make(self, context):
        """(terms of the objective, inference)."""
        inference = many_samples(self.num_samples, self.sample_gradient)
        return {"bound": ManySampleBound()}, inference
