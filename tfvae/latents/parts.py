"""What parts of the latent axis have beside `make`: how posterior and prior become one latent."""

from __future__ import annotations

from tfvae.latents.latent import Latent, NoLatent
from tfvae.latents.stochastic import StochasticLatent
from tfvae.parts import Part, facts, part, setting

__all__ = ["CodePart", "PosteriorPart", "PriorPart", "latent_width"]


class PosteriorPart(Part):
    """`make` gives a layer of `tfvae.latents.posteriors` or `codebooks` for z of shape `context.shape`."""

    place = "posterior"

    def join(self, posterior, prior) -> Latent:
        """The two in one latent."""
        return StochasticLatent(posterior, prior)

    def levels(self, context) -> dict[str, int]:
        """{name: D} of the levels that z has, the top one first, where there are several."""
        del context
        return {}


class PriorPart(Part):
    """`make` gives a layer of `tfvae.latents.priors` for z of shape `context.shape`."""

    place = "prior"

    def join(self, posterior, prior) -> Latent | None:
        """The two in one latent, or `None`: as the posterior's part has it."""
        del posterior, prior
        return None

    def condition(self, context):
        """What a model is told besides x because of this prior, or `None`."""
        del context
        return None


@part
class NoPosterior(PosteriorPart):
    """No latent at all: a decoder alone, whose NLL is exact."""

    name = "none"
    needs = facts("decodes_alone")
    offers = facts("gradient_moves_all")
    closes = (
        "code",
        "encoder",
        "condition",
        "prior",
        "upkeep",
        "bound",
        "rate_weight",
        "rate_budget",
        "terms",
        "on_collapse",
        "inference",
        "stages",
    )

    def make(self, context):
        return NoLatent()

    def join(self, posterior, prior):
        del prior
        return posterior


def latent_width():
    """The setting that every form of a code has."""
    return setting(32, "D, the size of z (of each of its positions)", low=1, high=4096)


class CodePart(Part):
    """The form of z."""

    place = "code"

    def shape(self, context) -> tuple[int, ...]:
        """Of one z."""
        raise NotImplementedError(type(self).__name__)

    def grid(self, context) -> tuple[int, int] | None:
        """(h, w) of its positions, where they are a grid."""
        del context
        return None


@part
class Vector(CodePart):
    """One vector."""

    name = "vector"
    offers = facts("one_vector")
    latent_width: int = latent_width()

    def shape(self, context):
        return (self.latent_width,)
