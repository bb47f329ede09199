"""`rate_target_vae`: the weight of the rate is learned so that the rate comes to a target.

    min distortion  s.t.  rate = R:    w <- w exp(nu (rate_ma - R))        target_rate
    min rate  s.t.  distortion <= D:   w <- w exp(nu (distortion_ma - D))  target_distortion (GECO)

The first weighs the rate, the second the distortion; dual_update=additive is gradient ascent on the
Lagrangian.

Not for short trainings: the learned weight takes hundreds of steps to bring the rate to its target.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Rezende and Viola, Taming VAEs, 2018; Alemi et al., Fixing a Broken ELBO, ICML 2018",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"rate_budget": "target_rate"},
)
