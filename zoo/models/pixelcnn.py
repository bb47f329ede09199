"""`pixelcnn`: an autoregressive model of images without a latent; its NLL is exact.

p(x) = prod_i p(x_i | x_<i): the backbone's decoder alone

Not for codes: it has none.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "van den Oord et al., Conditional Image Generation with PixelCNN Decoders, NeurIPS 2016",
    Defaults(backbone="gated_pixelcnn"),
    {"posterior": "none"},
)
