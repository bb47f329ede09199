"""`vamp_vae`: the prior is what the encoder makes of K inputs that are learned with it (VampPrior).

    p(z) = 1/K sum_k q(z|u_k),   u_k of the form of an x, learned
    loss = E_q(z|x)[-log p(x|z) + log q(z|x) - log p(z)]

The prior under which the ELBO is highest is the aggregate posterior 1/N sum_n q(z|x_n), of which this is a
learned part. What the rate pays beyond the information in the code, KL(q(z) || p(z)), falls; the
information can then be larger. A prior alone keeps no code that the decoder does not need.

Not for tokens, whose pseudo-inputs cannot be learned; conditional models; and collapse: a prior keeps no
code that the decoder does not need.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Tomczak and Welling, VAE with a VampPrior, AISTATS 2018",
    Defaults(backbone="gated_mlp", train_steps=2000),
    {"prior": "vamp", "num_pseudo_inputs": 100, "latent_width": 40},
)
