"""The objective axis: terms and their weights."""

from tfvae.objectives.bag_of_words import BagOfWords
from tfvae.objectives.capacity import Capacity
from tfvae.objectives.cosine import cosine_similarity
from tfvae.objectives.dual import DualVariable
from tfvae.objectives.elbo import distortion, elbo, rate
from tfvae.objectives.free_bits import FREE_BITS_FORMS, free_bits
from tfvae.objectives.objective import Objective

__all__ = [
    "FREE_BITS_FORMS",
    "BagOfWords",
    "Capacity",
    "DualVariable",
    "Objective",
    "cosine_similarity",
    "distortion",
    "elbo",
    "free_bits",
    "rate",
]
