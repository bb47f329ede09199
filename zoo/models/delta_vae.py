"""`delta_vae`: a latent sequence whose prior no posterior of the family can match.

    rate >= delta = sum_k 1/2 [(n-2) ln(1 + a_k^2) - ln(1 - a_k^2)] > 0

An AR(1) prior along the positions against a posterior without correlation; an auxiliary prior is
fitted afterwards.

Not for vectors: the prior needs positions. The committed nats are paid whether the data is worth them or
not, so the ELBO before the fitted prior is lower.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Razavi, van den Oord, Poole and Vinyals, Preventing Posterior Collapse with delta-VAEs, ICLR 2019",
    Defaults(backbone="gated_pixelcnn", train_steps=1000),
    {"prior": "ar1", "latent_width": 4, "encoder": "anti_causal", "stages": "+auxiliary_prior"},
    {"text": {"latent_at_token": "own"}},
)
