"""`lid_vae`: no two z mean the same, so that none of them can be ignored.

    parameters of p(x|z) = grad C_2(B grad C_1(z)),   |f(a) - f(b)| >= L |a - b|,   loss = distortion + rate

C_1 and C_2 are convex networks and B has full rank. The posterior collapses where the likelihood is the same
for many z; here it never is. L, `inverse_lipschitz`, says how much it must differ (Kinoshita et al. 2023), in
units of the decoder's parameters (logits) per unit of z. Distortion and rate are in nats.

Not for an autoregressive decoder, and not a promise of many nats: with small L a posterior may still be close
to the prior.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Wang, Blei and Cunningham, Posterior Collapse and Latent Variable Non-identifiability, NeurIPS 2021",
    Defaults(backbone="injective"),
    {"inverse_lipschitz": 0.1, "latent_width": 16},
)
