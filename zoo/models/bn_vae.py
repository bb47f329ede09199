"""`bn_vae`: the posteriors' means are normalised over the batch, so that the rate has a floor.

    mu_d(x) = gamma (m_d(x) - mean m_d) / sqrt(var m_d + eps) + b_d
    mean_x rate >= 1/2 sum_d [ gamma^2 v_d / (v_d + eps) + b_d^2 ],   v_d = var m_d,  loss = distortion + rate

gamma (posterior_gamma) is held; D latent numbers pay at least D gamma^2 / 2 nats under N(0, I), averaged over
the batch. The batch is that of all replicas; to measure, running averages take its place.

Not for a floor of each example, or of the information: the means lie apart, whether the decoder reads
them or not. Small batches make the normalisation noise; averaged weights do not go with it, nor does
semi-amortised inference, which leaves the floor.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Zhu, Bi, Liu, Ma, Li and Wu, A Batch Normalized Inference Network Keeps the KL Vanishing Away, ACL 2020",
    Defaults(backbone="gated_pixelcnn"),
    {"posterior": "batch_normalised", "latent_width": 16},
)
