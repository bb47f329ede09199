"""A ladder of Gaussian levels, as one part."""

from __future__ import annotations

from tfvae.latents.hierarchy import Hierarchy
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors import GaussianPosterior
from tfvae.latents.priors.level import LevelPrior
from tfvae.latents.stochastic import StochasticLatent
from tfvae.networks import GatedJoin, MLPEncoder
from tfvae.parts import facts, part, setting

__all__ = ["ladder"]


def ladder(levels, prior, units: int = 300, heads=None) -> Hierarchy:
    """q(z|x) = prod_l q(z_l | x, z_above), p(z) = prior(z_L) prod_l p(z_l | z_above), all of them Gaussian.

    Of two levels it is the model of Tomczak and Welling 2018, section 4: q(z2|x) q(z1|x,z2) against
    p(z2) p(z1|z2). Joins and p(z_l | z_above) are made of gated layers, as there.

    Args:
        levels: {name: D}, the top one first.
        prior: of the top level.
        units: of every such layer.
        heads: further arguments of each `GaussianPosterior`.
    """
    made, above = [], {}
    for name, width in levels.items():
        posterior = GaussianPosterior((width,), **(heads or {}))
        if not above:
            made.append((name, StochasticLatent(posterior, prior)))
        else:
            network = MLPEncoder((units, units), "gated")
            own = LevelPrior(GaussianPosterior((width,)), network, above)
            made.append((name, StochasticLatent(posterior, own), GatedJoin(units)))
        above = {**above, name: (width,)}
    return Hierarchy(made)


@part
class Ladder(PosteriorPart):
    """Levels of Gaussians, each given those above it; the prior is of the top one (HVAE has two)."""

    name = "ladder"
    needs = facts("one_vector")
    offers = facts("z density density_of_every_z paid_rate gradient_moves_all")
    # a fitted prior is of the top level alone; each level has an encoder of its own
    withholds = facts("renewable_prior hidden_layers")
    lower_widths: tuple[int, ...] = setting(
        (40,),
        "D of each level below the top one, from there down; that of the top one is latent_width",
        low=1,
        high=4096,
        length=(1, 100),
    )
    level_units: int = setting(
        300,
        "width of the layers that read the levels above, in posterior and prior",
        low=1,
        high=65536,
    )

    def levels(self, context):
        widths = (*context.point["code"].shape(context), *self.lower_widths)
        return {f"z{len(widths) - index}": width for index, width in enumerate(widths)}

    def make(self, context):
        return lambda prior: ladder(self.levels(context), prior, self.level_units, context.heads)

    def join(self, posterior, prior):
        return posterior(prior)
