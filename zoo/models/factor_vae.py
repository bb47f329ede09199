"""`factor_vae`: as `beta_tcvae`, the total correlation from a critic.

    loss = distortion + rate + gamma mean [l_0(z) - l_1(z)]
    critic:  -1/2 mean log softmax(l(z))_0 - 1/2 mean log softmax(l(z with each number permuted))_1

gamma is ratio_weight. The critic learns on a fresh batch after each step of the model.

Not for collapse, and small batches: the critic learns the total correlation only as fast as it sees
codes.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kim and Mnih, Disentangling by Factorising, ICML 2018",
    Defaults(backbone="deconvolutional"),
    {"terms": "+density_ratio", "latent_width": 10},
)
