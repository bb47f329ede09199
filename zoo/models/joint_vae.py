"""`joint_vae`: a code of categories and of numbers, each with a capacity of its own.

    z = (c_1, ..., c_P, u),   q(c|x) = Cat(pi(x)) relaxed in training,   q(u|x) = N(mu(x), sigma(x)^2)
    loss = distortion + gamma |rate of the c - C_c(step)| + gamma |rate of u - C_u(step)|

categories says how many kinds each c has; the rest of latent_width is u. Without a capacity of its own a
category says less of the class than it could: the numbers are easier to learn. Measured are one-hot codes,
so the bound is that of the model with categories, not of its relaxation. gamma is 10 here, for images of 64
pixels; 30 is released for those of 1,024.

Not for classes as such: nothing says that a category is a label (terms=+labelled_category does, with some
labels). And a capacity is a wish for nats, not for information: a category that is always sure of the same
kind has ln K of the one and none of the other, which is what too large a gamma or too short a ramp comes to.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Dupont, Learning Disentangled Joint Continuous and Discrete Representations, NeurIPS 2018",
    Defaults(backbone="deconvolutional", train_steps=3000),
    {
        "posterior": "concrete",
        "rate_budget": "joint_capacity",
        "latent_width": 12,
        "continuous_capacity": 3.0,
        "capacity_weight": 10.0,
        "capacity_steps": 3000,
    },
)
