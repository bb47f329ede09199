"""`wae_gan`: only the mixture q(z) is pulled to the prior, by a critic that tells them apart.

    loss = distortion + lambda softplus(-D(z)),   critic:  softplus(-D(z_p)) + softplus(D(z))

With a likelihood as the cost it is the adversarial autoencoder. The published encoder is
deterministic; see `wae_mmd`.

Not for a likelihood: the objective is no bound. An adversary is one more thing that can fail; `wae_mmd`
has none.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Tolstikhin, Bousquet, Gelly and Schoelkopf, Wasserstein Auto-Encoders, ICLR 2018; Makhzani, "
    "Shlens, Jaitly, Goodfellow and Frey, Adversarial Autoencoders, 2015",
    Defaults(backbone="deconvolutional"),
    {
        "beta": 0.0,
        "posterior": "fixed_scale",
        "posterior_scale": 0.02,
        "terms": "+adversary",
        "latent_width": 8,
        "stages": "+moments",
        "adam_beta1": 0.5,
        "critic_learning_rate": 5e-4,
    },
)
