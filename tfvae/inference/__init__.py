"""The inference axis: `(model, x, seed, step, label) -> Draw`; step `None` means to measure."""

from tfvae.inference.amortised import amortised, code_only, encoder_only
from tfvae.inference.clamped import clamp, clamped
from tfvae.inference.enumerated import enumerated
from tfvae.inference.many_samples import many_samples
from tfvae.inference.path_gradients import GRADIENTS
from tfvae.inference.refinement import METHODS, refine, refines
from tfvae.inference.semi_amortised import semi_amortised

__all__ = [
    "GRADIENTS",
    "METHODS",
    "amortised",
    "clamp",
    "clamped",
    "code_only",
    "encoder_only",
    "enumerated",
    "many_samples",
    "refine",
    "refines",
    "semi_amortised",
]
