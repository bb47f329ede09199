"""`lm`: a language model, the decoder of the text VAEs without a latent; its NLL is exact.

    p(x) = prod_t p(x_t | x_<t)

The yard-stick of text: a VAE is worth its while only with an importance-weighted NLL below this one.

Not for codes: it has none.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Mikolov et al., Recurrent Neural Network Based Language Model, Interspeech 2010",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"posterior": "none"},
)
