"""Information dropout in the encoder of a backbone: after each hidden layer noise whose size depends on x."""

from __future__ import annotations

from tfvae.checks import UserError
from tfvae.multiplicative import ACTIVATIONS
from tfvae.networks import CHARGED, NoisyEncoder
from tfvae.objectives import noise_cost
from tfvae.parts import Part, facts, part, setting

_BETA = 3.0  # as released


@part
class Noisy(Part):
    """After each hidden layer of the backbone's own a layer of noise whose size depends on x."""

    place, name = "encoder", "information_dropout"
    kinds = ("images", "tables", "documents")
    needs = facts("z one_vector hidden_layers")
    layer_max_noise: float = setting(0.7, "alpha_max of each layer", low=1e-3, high=10.0)
    layer_activation: str = setting(
        "relu",
        "of each layer's f: relu, under a log-uniform cost; softplus, under a log-normal that is learned",
        choices=ACTIVATIONS,
    )
    layer_charged: str = setting(
        "alive",
        "which numbers of a ReLU pay: those above 0, or all, as released",
        choices=CHARGED,
        of={"layer_activation": ("relu",)},
    )
    noise_weight: float | None = setting(
        None, "of what the layers cost; none: 3 / N of N training examples, as released", low=0.0
    )

    def make(self, context, usual):
        """See `Full` of images."""
        del context
        options = self.layer_max_noise, self.layer_activation, self.layer_charged
        return NoisyEncoder.of(usual(), *options)

    def terms(self, context):
        """{name: (weight, term)} for the objective."""
        weight = self.noise_weight
        if weight is None and not context.num_examples:
            raise UserError(
                "noise_weight=none is 3 / N of N training examples, and here N is not known: say "
                "noise_weight=..."
            )
        weight = _BETA / context.num_examples if weight is None else weight
        return {"noise_cost": (weight, noise_cost)}
