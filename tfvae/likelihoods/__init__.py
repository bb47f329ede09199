"""p(x|z) given a decoder's parameters: one file a likelihood, no weights anywhere."""

from tfvae.likelihoods.bernoulli import Bernoulli
from tfvae.likelihoods.categorical import Categorical256
from tfvae.likelihoods.columns import Columns
from tfvae.likelihoods.counts import Counts
from tfvae.likelihoods.gaussian import Gaussian
from tfvae.likelihoods.likelihood import Likelihood
from tfvae.likelihoods.logistic_mixture import DiscretizedLogisticMixture
from tfvae.likelihoods.mu_law import MuLaw, mu_law_decode, mu_law_encode
from tfvae.likelihoods.one_hot import OneHot
from tfvae.likelihoods.tempered import Tempered
from tfvae.likelihoods.tokens import Tokens

__all__ = [
    "Bernoulli",
    "Categorical256",
    "Columns",
    "Counts",
    "DiscretizedLogisticMixture",
    "Gaussian",
    "Likelihood",
    "MuLaw",
    "OneHot",
    "Tempered",
    "Tokens",
    "mu_law_decode",
    "mu_law_encode",
]
