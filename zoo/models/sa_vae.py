"""`sa_vae`: the encoder proposes a posterior, gradient steps refine it for each x, both are trained.

    v <- gamma v - clip(grad f(lambda));   lambda <- lambda + alpha v,   K times;   loss = f(lambda_K)

f = distortion + w rate, its gradient with regard to the posterior's mean and log-variance; the loss's
gradient goes back through the K steps. Kim et al. 2018, algorithm 1.

Not for speed: each example costs K more passes through the decoder, in training and in measuring.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kim, Wiseman, Miller, Sontag and Rush, Semi-Amortized Variational Autoencoders, ICML 2018",
    Defaults("pydoc", "lstm", train_steps=300, batch_size=32, learning_rate=2e-3),
    {"inference": "semi_amortised", "svi_steps": 5, "rate_weight": "linear"},
)
