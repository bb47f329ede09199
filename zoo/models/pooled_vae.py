"""`pooled_vae`: the encoder's feature is the maximum (or the mean) of all states over time.

    g(x) = max_t h_t  (elementwise; encoder=mean, abs_max),   (mu, log sigma^2) = W g(x)

The last states of different sentences are nearly alike, and so are their posteriors; pooling spreads
them. cosine_weight penalises the likeness itself. Long, Cao and Cheung 2020.

Not for images. It spreads the posteriors apart, and does not make a strong decoder need them.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Long, Cao and Cheung, Preventing Posterior Collapse in Sequence VAEs with Pooling, 2020",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"encoder": "max"},
)
