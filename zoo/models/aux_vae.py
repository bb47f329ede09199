"""`aux_vae`: the posterior is a mixture over an auxiliary variable, so that it may have a form of its own.

    loss = E[-log p(x|z) + log q(a|x) + log q(z|a, x) - log r(a|x, z) - log p(z)]
    a ~ q(a|x),   z ~ q(z|a, x)

-loss is at most log p(x), for every r: what r does not know of a costs KL(q(a|x, z) || r(a|x, z)). That is
dear at first, when a code is worth little yet: so the weight of the rate grows.

Not for a diagnosis of information: q(z|x) has no density of every z, so mutual information and marginal
KL are not reported.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Maaloe, Sonderby, Sonderby and Winther, Auxiliary Deep Generative Models, ICML 2016",
    Defaults(backbone="mlp", train_steps=3000),
    {"posterior": "auxiliary", "rate_weight": "linear"},
)
