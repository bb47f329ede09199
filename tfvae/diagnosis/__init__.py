"""Diagnosis: what happened to the latent, in figures, pictures and a sentence."""

from tfvae.diagnosis.figures import collect, figures
from tfvae.diagnosis.measure import measure
from tfvae.diagnosis.report import html
from tfvae.diagnosis.verdict import sentence, verdict

__all__ = ["collect", "figures", "html", "measure", "sentence", "verdict"]
