"""`skip_vae`: z enters every layer of the decoder, so that none of them can lose it.

    h_1 = g_1(z),   h_l = g_l(h_{l-1}, z),   loss = distortion + rate

The paper shows that the information I(x; z) of a decoder with such skips is at least that of one without, at
its best weights. decoder_skips is a setting of the backbones whose pixels are independent given z (`mlp`,
`deconvolutional`).

Not for a decoder that does without z altogether: a skip makes z easy to hear, and the rate as dear as before.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Dieng, Kim, Rush and Blei, Avoiding Latent Variable Collapse with Generative Skip Models, AISTATS 2019",
    Defaults(backbone="deconvolutional"),
    {"decoder_skips": True, "latent_width": 16},
)
