"""`info_vae`: the two halves of the rate, information and marginal, are weighed apart.

    loss = distortion + (1 - alpha) rate + (alpha + lambda - 1) MMD^2(q(z), p(z))

beta is 1 - alpha and mmd_weight is alpha + lambda - 1: by default alpha = 1 (the MMD-VAE), with the sum of
inverse multi-quadratic kernels, beside the NLL of an example. The released code has one wide kernel and a
weight of 50 beside the NLL of a pixel: mmd_kernel=rbf, mmd_unbiased=false, mmd_weight_of=number. That kernel
sees little of the shape of q(z), and where its weight is large against the data the code goes with it.

Not for a bound: the objective is none, and its figures are reported at weight 1 beside it. Small batches
make the kernels' estimate noisy.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Zhao, Song and Ermon, InfoVAE: Balancing Learning and Inference in Variational Autoencoders, "
    "AAAI 2019 (2017)",
    Defaults(backbone="deconvolutional"),
    {"beta": 0.0, "terms": "+mmd", "latent_width": 8},
)
