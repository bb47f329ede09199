"""`vae`: the plain variational auto-encoder, the baseline that collapses.

loss = E_q(z|x)[-log p(x|z)] + KL(q(z|x) || p(z)),   q = N(mu(x), diag sigma(x)^2),  p = N(0, I)

Not for strong decoders: that is why the others exist.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014",
    Defaults(backbone="mlp", train_steps=3000),
)
