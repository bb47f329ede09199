"""`hfvae`: the rate falls into pieces, and dependence between groups of numbers has a price of its own.

    loss = distortion + a I(x; z) + b TC_between + c sum_g TC_within(g) + d sum_j KL(q(z_j) || p(z_j))

a, b, c, d are information_weight, between_weight, within_weight, marginal_weight; all at 1 are the ELBO.
latent_groups says how many numbers each group takes. The pieces come from the mixture of the batch; beside
them the rate keeps its closed form, so that the loss is the paper's on average.

Not for collapse as such (a < 1 helps), nor for groups that mean something by themselves: which factor a group
takes is left to the data.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Esmaeili, Wu, Jain, Bozkurt, Siddharth, Paige, Brooks, Dy and van de Meent, Structured Disentangled "
    "Representations, AISTATS 2019",
    Defaults(backbone="deconvolutional"),
    {"terms": "+rate_pieces", "latent_width": 10, "latent_groups": (2, 2, 2, 2, 2)},
)
