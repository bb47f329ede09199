"""`iwae`: the bound of K weighted draws, which is above the ELBO and closes on log p(x) as K grows.

    loss = -E log 1/K sum_k w_k,   w_k = p(x|z_k) p(z_k) / q(z_k|x),   z_k ~ q(z|x)

A bad draw is outvoted and not averaged in, so q need not have the posterior's form, and more units stay in
use. `sample_gradient` says how the loss reaches the encoder: as published, or doubly reparameterised (Tucker
et al. 2019), whose signal need not drown in noise as K grows.

Not for an encoder whose single draws are good: with K it learns to cover, and its gradient drowns unless
it is doubly reparameterised.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016; Tucker, Lawson, Gu and "
    "Maddison, Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, ICLR 2019",
    Defaults(backbone="mlp", train_steps=3000),
    {"bound": "many_samples", "num_samples": 5},
)
