"""`dc_ign`: each group of latents is to be one factor, because batches say which factor varied.

    batch: examples alike in all factors but one, g;  of every latent outside of g's group
    mu_k, sigma_k^2 <- their means over the batch;   its gradient <- s / B (value_k - mean)
    loss = distortion + rate

factor_latents says how many numbers each factor has, in the data's order (empty: one each); the stream of
batches (batches=one_factor, factor_odds) needs data with known factors. Nothing is clamped to measure.
clamp_kept=first takes the first example's values instead of the means, as released.

Not for data whose factors are unknown, nor for batches that one mixes oneself.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kulkarni, Whitney, Kohli and Tenenbaum, Deep Convolutional Inverse Graphics Network, NeurIPS 2015",
    Defaults(dataset="squares", backbone="mlp", train_steps=5000, batch_size=20),
    {
        "batches": "one_factor",
        "inference": "clamped",
        "latent_width": 3,
        "learning_rate_schedule": "constant",
    },
)
