"""Densities of codes that are fitted after the training, to be sampled from instead of the prior.

Where q(z), the codes of the data, is not p(z) (an auto-encoder without a rate, a WAE, a small beta), what the
prior draws lies where the decoder never was. A density fitted to draws of q(z) does not.
"""

from tfvae.exploring.samplers.flow import FlowSampler, fit_flow
from tfvae.exploring.samplers.mixture import GaussianMixtureSampler, fit_gaussian_mixture
from tfvae.exploring.samplers.sampler import Sampler
from tfvae.exploring.samplers.two_stage import TwoStageSampler, fit_two_stage

__all__ = [
    "FlowSampler",
    "GaussianMixtureSampler",
    "Sampler",
    "TwoStageSampler",
    "fit_flow",
    "fit_gaussian_mixture",
    "fit_two_stage",
]
