"""`wae_mmd`: no posterior is pulled to the prior, only their mixture q(z), by kernels.

    loss = distortion + lambda MMD^2(q(z), p(z)),   k = sum_t C_t / (C_t + |d|^2)

lambda (mmd_weight) belongs to the scale of the distortion. The published encoder is deterministic;
here it draws with a small posterior_scale, so that every measure of the report exists.

Not for a likelihood: the objective is no bound. With small batches or many dimensions the kernels see
little of q(z).
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Tolstikhin, Bousquet, Gelly and Schoelkopf, Wasserstein Auto-Encoders, ICLR 2018",
    Defaults(backbone="deconvolutional"),
    {
        "beta": 0.0,
        "posterior": "fixed_scale",
        "posterior_scale": 0.02,
        "terms": "+mmd",
        "latent_width": 8,
        "stages": "+moments",
        "adam_beta1": 0.5,
    },
)
