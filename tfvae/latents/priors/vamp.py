"""The VampPrior: what the encoder makes of inputs that were learned is the prior.

Legend: B batch, K pseudo-inputs, D latent width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfvae.checks import UserError, affordable, one_of
from tfvae.distributions import EvenMixture
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.parts import facts, part, setting
from tfvae.randomness import seed_of

__all__ = ["VampPrior"]

DTYPES = ("float32", "int32")


@keras.saving.register_keras_serializable(package="tfvae")
class VampPrior(Prior):
    """p(z) = 1/K sum_k q(z|u_k),  u_k in the units of the encoder;  log p = logsumexp_k log q(z|u_k) - ln K.

    Tomczak and Welling 2018, eq. 9: the prior under which the ELBO is highest is the aggregate posterior, of
    which this is K learned terms. The gradient reaches the u_k, and the encoder through them. The rate is a
    Monte Carlo estimate in one group, at least log q(z|x) - max_k log q(z|u_k): an x that is a u_k
    costs at most ln K.

    The posterior must have a density of every z. Of a level of a `Hierarchy` it must be the top one: what the
    encoder makes of u is the q of no other level.

    Args:
        event_shape: of z, `(D,)` or `(n, D)`.
        data_shape: of one x.
        num_pseudo_inputs: K.
        learned: whether the gradient moves them.
        value_range: (low, high) into which they are cut, the range of what the encoder is given; `None` where
            it has none.
        initial_mean, initial_scale: the first u_k ~ N(mean, scale^2), number by number.
        data_type: `float32`, or `int32` of tokens, which are not learned.

    Raises:
        UserError: no pseudo-input; a range that is none; tokens that are to be learned.
    """

    asks_encoder = True

    def __init__(
        self,
        event_shape,
        data_shape: Sequence[int],
        num_pseudo_inputs: int = 500,
        learned: bool = True,
        value_range: Sequence[float] | None = None,
        initial_mean: float = 0.0,
        initial_scale: float = 1.0,
        data_type: str = "float32",
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        if num_pseudo_inputs < 1:
            raise UserError(f"a VampPrior needs at least 1 pseudo-input, got {num_pseudo_inputs}")
        if one_of("data_type of a VampPrior", data_type, DTYPES) != DTYPES[0] and learned:
            raise UserError("pseudo-inputs of whole numbers (tokens) cannot be learned")
        if value_range is not None and not value_range[0] < value_range[1]:
            raise UserError(f"value_range must be (low, high), got {tuple(value_range)}")
        self.data_shape = tuple(data_shape)
        self.num_pseudo_inputs, self.learned = num_pseudo_inputs, learned
        self.value_range = None if value_range is None else tuple(value_range)
        self.initial_mean, self.initial_scale = initial_mean, initial_scale
        self.data_type = data_type

    def build(self, input_shape=None):
        del input_shape
        begin = keras.initializers.RandomNormal(self.initial_mean, self.initial_scale)
        self.pseudo_inputs = self.add_weight(
            name="pseudo_inputs",
            shape=(self.num_pseudo_inputs, *self.data_shape),
            initializer=begin if self.data_type == DTYPES[0] else "zeros",
            trainable=self.learned,
            dtype=self.data_type,
        )
        self.built = True

    def begin_at(self, examples) -> None:
        """Takes these for the pseudo-inputs.

        Args:
            examples: [K, ...] in the units of the encoder (`likelihood.preprocess`).

        Raises:
            UserError: of another shape.
        """
        if not self.built:
            self.build()
        if tuple(examples.shape) != tuple(self.pseudo_inputs.shape):
            raise UserError(
                f"pseudo-inputs are {tuple(self.pseudo_inputs.shape)}, got {tuple(examples.shape)}"
            )
        self.pseudo_inputs.assign(tf.cast(examples, self.data_type))

    def inputs(self) -> tf.Tensor:
        """u, [K, ...], as the encoder is given them."""
        values = tf.convert_to_tensor(self.pseudo_inputs)
        return values if self.value_range is None else tf.clip_by_value(values, *self.value_range)

    def given(self, known) -> _Given:
        """The mixture, with the encoder as it is now.

        Raises:
            UserError: there is none, or its q(z|u) has no density of every z.
        """
        if known.encode is None:
            raise UserError(
                "a VampPrior asks the encoder for q(z|u) of inputs of its own, and here is none that "
                "says it: it stands in a StochasticLatent of a VAE, in a Hierarchy on the top level"
            )
        return _Given(EvenMixture(known.encode(self.inputs())))

    def get_config(self):
        return {
            **super().get_config(),
            "data_shape": self.data_shape,
            "num_pseudo_inputs": self.num_pseudo_inputs,
            "learned": self.learned,
            "value_range": self.value_range,
            "initial_mean": self.initial_mean,
            "initial_scale": self.initial_scale,
            "data_type": self.data_type,
        }


class _Given:
    def __init__(self, mixture: EvenMixture):
        self._mixture = mixture

    def distribution(self) -> EvenMixture:
        """p(z), batch shape []."""
        return self._mixture


_LEARNED, _BEGUN, _HELD = _KINDS = ("learned", "from_examples", "examples")
# as released, mean and deviation of numbers in [0, 1]: of binary pixels, and of grey ones
_PUBLISHED = {1: (0.05, 0.01), 8: (0.4, 0.05)}
_NEAR = 0.01  # as released, the deviation from the examples that they begin at


@part
class Vamp(PriorPart):
    """A mixture of what the encoder makes of K inputs, learned ones or examples (VampPrior)."""

    name = "vamp"
    needs = facts("density_of_every_z")
    offers = facts("one_prior prior_without_rows continuous_prior")
    closes = ("condition",)  # pseudo-inputs have no label
    num_pseudo_inputs: int = setting(500, "K", low=1, high=1_000_000)
    pseudo_inputs: str = setting(
        _LEARNED,
        "learned, from noise; learned, and at first the first K training examples (from_examples); these, "
        "held (examples)",
        choices=_KINDS,
    )
    pseudo_mean: float | None = setting(
        None,
        "of the noise, where the data's least number is 0 and its greatest 1; none: 0.05 of binary data, 0.4 "
        "of bytes, 0 of real numbers",
        low=-1e3,
        high=1e3,
        of={"pseudo_inputs": (_LEARNED,)},
    )
    pseudo_scale: float | None = setting(
        None,
        "its deviation; none: 0.01, 0.05, 1",
        low=1e-6,
        high=1e3,
        of={"pseudo_inputs": (_LEARNED,)},
    )

    def needed(self):
        return self.needs | facts("" if self.pseudo_inputs == _HELD else "smooth_inputs")

    def make(self, context):
        likelihood = context.point["likelihood"].make(context)
        if self.pseudo_inputs == _LEARNED:
            shape = context.space.example().shape[1:]
            return self._prior(context, likelihood, shape, *self._noise(likelihood))
        u = self._examples(context, likelihood)
        prior = self._prior(context, likelihood, u.shape[1:], data_type=u.dtype.name)
        prior.begin_at(u)
        return prior

    def _prior(self, context, likelihood, shape, *noise, **more) -> VampPrior:
        said = f"num_pseudo_inputs={self.num_pseudo_inputs}"
        affordable(said, self.num_pseudo_inputs * math.prod(shape))
        learned, values = self.pseudo_inputs != _HELD, likelihood.input_range
        given = (context.shape, shape, self.num_pseudo_inputs, learned, values, *noise)
        return VampPrior(*given, **more)

    def _noise(self, likelihood) -> tuple[float, float]:
        mean, scale = _PUBLISHED.get(likelihood.bits, (0.0, 1.0))
        mean = mean if self.pseudo_mean is None else self.pseudo_mean
        scale = scale if self.pseudo_scale is None else self.pseudo_scale
        low, high = likelihood.input_range or (0.0, 1.0)
        return low + mean * (high - low), scale * (high - low)

    def _examples(self, context, likelihood) -> tf.Tensor:
        """The first K of the training set, in the units of the encoder."""
        said = f"pseudo_inputs={self.pseudo_inputs}"
        if context.examples is None:
            raise UserError(
                f"{said} needs the training data, and a model that is built without them has none: train it "
                "by train_main.py, or call latent.prior.begin_at of a model with pseudo_inputs=learned"
            )
        if self.num_pseudo_inputs > context.num_examples:
            raise UserError(
                f"{said}: num_pseudo_inputs must be at most the {context.num_examples:,} training examples, "
                f"got {self.num_pseudo_inputs:,}"
            )
        u = likelihood.preprocess(context.examples(self.num_pseudo_inputs))
        if self.pseudo_inputs == _HELD:
            return u
        low, high = likelihood.input_range or (0.0, 1.0)
        noise = tf.random.stateless_normal(u.shape, seed_of(context.seed))
        return u + _NEAR * (high - low) * noise
