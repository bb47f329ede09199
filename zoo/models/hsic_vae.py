"""`hsic_vae`: groups of latent numbers, or z and a nuisance label, are to be independent, by kernels.

    loss = distortion + rate + lambda sqrt(dHSIC(z_1, ..., z_K)),   dHSIC of two: tr(K H L H) / M^2

lambda (hsic_weight) is in nats. By default the two halves of z; hsic_between=label takes the label of each
example for what z must not know (condition=labels then tells it to encoder and decoder).

Not for small batches, where kernels see little, nor a proof of independence: ask a classifier that is
trained afterwards what it finds. The means of the posteriors may still know what draws do not.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Lopez, Regier, Jordan and Yosef, Information Constraints on Auto-Encoding Variational Bayes, "
    "NeurIPS 2018",
    Defaults(backbone="deconvolutional"),
    {"terms": "+hsic", "latent_width": 10},
)
