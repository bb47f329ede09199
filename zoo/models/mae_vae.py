"""`mae_vae`: the posteriors of different examples are to differ, and evenly, under a flow prior.

    loss = distortion + rate + eta sum_d softplus(-mean_{i != j} KL_ij^d) + gamma std_{i != j} sum_d KL_ij^d
    KL_ij^d = KL(q(z_d|x_i) || q(z_d|x_j))

eta is diversity_weight, gamma unevenness_weight, in nats; diversity_form=printed takes the mean outside of
softplus, as the paper has it and its code does not. The prior is a masked autoregressive flow.

Not for small batches, whose few pairs say little; a large gamma undoes the diversity, and without gamma a
few outliers pay for it.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Ma, Zhou and Hovy, MAE: Mutual Posterior-Divergence Regularization for Variational AutoEncoders, "
    "ICLR 2019",
    Defaults(backbone="deconvolutional"),
    {"terms": "+posterior_divergence", "prior": "maf"},
)
