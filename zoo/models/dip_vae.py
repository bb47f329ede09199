"""`dip_vae`: the covariance of the codes is to be the identity; no critic, no mixture.

    loss = distortion + rate + lambda_od sum_{i != j} C_ij^2 + lambda_d sum_i (C_ii - 1)^2
    C = Cov(mu(x))  (I),   C = Cov(mu(x)) + E[diag sigma(x)^2]  (II)

lambda_od is covariance_weight, lambda_d variance_weight, in nats; the form covariance_of: means (I), or codes
(II). The first wants a variance of 1 from every posterior mean, so no unit stays unused; the second does not
mind units that equal the prior.

Not for batches below about four times the width of the code, whose covariance is noise. II is no remedy for
collapse, and I fills units with what they would not pay for.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kumar, Sattigeri and Balakrishnan, Variational Inference of Disentangled Latent Concepts from Unlabeled "
    "Observations, ICLR 2018",
    Defaults(backbone="deconvolutional"),
    {"terms": "+covariance", "latent_width": 10},
)
