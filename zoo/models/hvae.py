"""`hvae`: two levels of latents, the upper one the prior of the lower.

    q(z|x) = q(z2|x) q(z1|x, z2),   p(z) = p(z2) p(z1|z2),   p(x|z1, z2)
    loss = E_q[-log p(x|z1, z2) + log q(z2|x) - log p(z2)] + E_q KL(q(z1|x, z2) || p(z1|z2))

What z2 tells, z1 can tell as well: of images of MNIST most of z2 is not used where p(z2) = N(0, I), as
published, and more of it with `--set=prior=vamp`. The report has rate, active units and information of each
level; `--set=lower_widths=40,20` makes a ladder of three.

Not for an upper level that is used by itself: under N(0, I) most of it is not.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Tomczak and Welling, VAE with a VampPrior, AISTATS 2018",
    Defaults(backbone="gated_mlp", train_steps=2000),
    {"posterior": "ladder", "latent_width": 40, "lower_widths": (40,), "level_units": 100},
)
