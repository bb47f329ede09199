"""`vq_vae`: the code is the nearest of K vectors at each position, and its rate cannot collapse.

    k = argmin_j |z_e(x) - e_j|^2,   rate = n ln K  (a constant until the prior is fitted)
    loss = distortion + beta mean_i |z_e,i - sg(e_k,i)|^2,   straight through;  e_k = m_k / N_k averaged

A Gated PixelCNN over the map of codes is fitted afterwards (auxiliary). What can fail is the codebook:
look at its perplexity and at the codes used.

Not for a density of binary images beside a good PixelCNN, and a learned number of nats: the rate is n ln
K until a prior is fitted.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning, NeurIPS 2017",
    Defaults(backbone="deconvolutional", train_steps=2000),
    {"posterior": "vq", "latent_width": 16, "stages": "+auxiliary_codes"},
    {"text": {"code": "vector"}},
)
