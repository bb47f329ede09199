"""The semi-amortised posterior: the encoder proposes, gradient steps refine, both are trained."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError, count, one_of, positive, within
from tfvae.draw import Draw
from tfvae.inference.refinement import METHODS, refine
from tfvae.parts import ON, Part, facts, part, setting
from tfvae.randomness import fold
from tfvae.replicas import batch_count
from tfvae.schedules import Constant, Schedule

__all__ = ["semi_amortised"]

_STEPS = 0x5A  # the noise of the steps, apart from that of the draw at the end


def semi_amortised(
    steps: int = 20,
    step_size: float = 1.0,
    momentum: float = 0.5,
    clip_norm: float | None = 5.0,
    method: str = "exact",
    beta: Schedule | None = None,
    radius: float = 1e-2,
    batch_size: int | None = None,
) -> Callable:
    """z ~ q(z; lambda_K), lambda_K from K steps of SVI on f = distortion + beta rate, at lambda_0(x).

    Kim et al. 2018 (SA-VAE). Each step draws fresh noise, kept for the way back; the gradient reaches
    the encoder and the decoder through the steps. Measure it with the same K: the bound at lambda_0 is
    another model's.

    Args:
        steps, step_size, momentum, clip_norm, method, radius: see `refine`.
        beta: weight of the rate within f while training; 1 to measure.
        batch_size: of training: f is a sum over the examples by this, so that an example is refined
            alike in any batch that it is measured in (but for the clipping); `None` for the mean
            over the batch at hand, as published.

    Raises:
        UserError: an argument is out of its range; when called: a posterior that cannot be refined.

    Returns:
        `(model, x, seed, step, label) -> Draw`; its `refinement` makes it again for whoever measures, where
        beta plays no part.
    """
    beta = Constant(1.0) if beta is None else beta
    count("steps of the refinement", steps, 0)
    within("step_size of the refinement", step_size, 0.0, 1e12)  # 0 leaves the encoder's q
    within("momentum of the refinement", momentum, 0.0, 1.0)
    one_of("gradient of the refinement", method, METHODS)
    positive("radius of the refinement", radius)
    if clip_norm is not None:
        positive("clip_norm of the refinement", clip_norm)
    if batch_size is not None:
        count("batch_size of the refinement", batch_size)

    def inference(model, x, seed, step=None, label=None) -> Draw:
        latent = model.latent
        if not latent.refinable:
            raise UserError(
                f"semi_amortised refines the posterior of each x, and a {type(latent).__name__} has none "
                "that could be refined"
            )
        pass_ = model.passed(seed, step, step is not None, label)
        features, costs = model.encoded(x, label, pass_)
        start = latent.parameters(features, pass_)
        weight = 1.0 if step is None else beta(step)
        at_hand = batch_count(start[0])
        number = at_hand if batch_size is None else tf.cast(batch_size, at_hand.dtype)

        def draw(parameters, seed):
            inferred = latent.infer_from(latent.of(*parameters), pass_.but(seed=seed)).beside(costs)
            return model.score(x, features, inferred, None if step is None else seed, label)

        def loss(parameters, index):
            one = draw(parameters, fold(seed, _STEPS, index))
            return tf.reduce_sum(one.distortion + weight * tf.reduce_sum(one.rate, -1)) / number

        refined = refine(loss, start, steps, step_size, momentum, clip_norm, method, radius)
        return draw(refined, pass_.seed)  # the noise of `amortised`, which K = 0 is

    inference.refines = True
    inference.refinement = {
        "steps": steps,
        "step_size": step_size,
        "momentum": momentum,
        "clip_norm": clip_norm,
        "method": method,
        "radius": radius,
        "batch_size": batch_size,
    }
    return inference


@part
class SemiAmortised(Part):
    """The encoder's proposal is refined by gradient steps, and trained through them (Kim et al. 2018)."""

    place, name = "inference", "semi_amortised"
    needs = facts("mean_and_scale decodes rate_weight prior_without_rows no_xla")
    offers = facts("second_derivatives")
    withholds = facts("unrefined")
    closes = ("rate_budget",)  # the steps descend on distortion and the weighted rate alone
    svi_steps: int = setting(20, "K of the refinement, in training and measuring", low=0, high=1000)
    svi_step_size: float = setting(
        1.0,
        "alpha; the loss is a mean over the batch, so an example moves by alpha / B",
        low=1e-12,
        high=1e12,
        of={"svi_steps": ON},
    )
    svi_momentum: float = setting(0.5, "gamma", low=0.0, high=0.99999, of={"svi_steps": ON})
    svi_clip_norm: float | None = setting(
        5.0, "of the refinement's gradients, or none", low=1e-6, of={"svi_steps": ON}
    )
    svi_gradient: str = setting(
        "exact",
        "through the refinement: exact, or finite_difference (memory of one step)",
        choices=METHODS,
        of={"svi_steps": ON},
    )

    def make(self, context):
        return semi_amortised(
            self.svi_steps,
            self.svi_step_size,
            self.svi_momentum,
            self.svi_clip_norm,
            self.svi_gradient,
            context.point["rate_weight"].make(context),
            batch_size=context.batch_size,
        )
