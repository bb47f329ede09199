"""`beta_vae`: the rate costs beta times its nats; measured, as everything, at weight 1.

loss = distortion + beta rate                    beta < 1 against collapse, > 1 to disentangle
loss = distortion + gamma |rate - C(step)|       with capacity=C (Burgess et al. 2018)

Not for comparing bounds of models that were trained at different beta as if the objective were one;
below 1 the code is far from the prior, and draws from the prior are poor.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Higgins et al., beta-VAE, ICLR 2017; Burgess et al., Understanding Disentangling in beta-VAE, 2018",
    Defaults("digits", train_steps=1500),
    {"beta": 0.4},
)
