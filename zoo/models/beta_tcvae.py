"""`beta_tcvae`: the latent numbers are to be independent; their information is left alone.

    loss = distortion + rate + (beta - 1) TC,   TC = KL(q(z) || prod_d q(z_d))

tc_weight is beta - 1; TC from the mixture of the batch (tc_mixture=minibatch_weighted is the published
one). It cures no collapse: see `wae_mmd` or `free_bits_vae` for that.

Not for collapse: it penalises dependence between units and keeps no rate.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Chen, Li, Grosse and Duvenaud, Isolating Sources of Disentanglement in Variational Autoencoders, "
    "NeurIPS 2018",
    Defaults(backbone="deconvolutional"),
    {"terms": "+total_correlation", "latent_width": 10},
)
