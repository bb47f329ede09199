"""`contrastive_vae`: each z must tell its own x from the others of the batch.

    loss = distortion + rate - lambda mean_i [ s(x_i, z_i) - log 1/M sum_j exp s(x_j, z_i) ]

What is subtracted is a lower bound on I(x; z), nats, and at most ln M of the batch; lambda is
contrastive_weight. By default s(x, z) = log q(z|x), which asks for no further network;
contrastive_scores=network learns an s.

Not for small batches: beyond ln M nats the term wants nothing more.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Menon, Blei and Vondrick, Forget-me-not! Contrastive Critics for Mitigating Posterior Collapse, "
    "UAI 2022",
    Defaults(backbone="gated_pixelcnn"),
    {"terms": "+contrastive"},
)
