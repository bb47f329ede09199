"""Diagnosis: what happened to the latent, in figures, pictures, sentences, sounds and a verdict."""

from tfvae.diagnosis.figures import collect, figures
from tfvae.diagnosis.mean_space import posterior_means
from tfvae.diagnosis.measure import information_in_batches, measure
from tfvae.diagnosis.report import html
from tfvae.diagnosis.sentences import sentences
from tfvae.diagnosis.shown import Shown, Sound, audio_files
from tfvae.diagnosis.sounds import sounds
from tfvae.diagnosis.verdict import sentence, verdict

__all__ = [
    "Shown",
    "Sound",
    "audio_files",
    "collect",
    "figures",
    "html",
    "information_in_batches",
    "measure",
    "posterior_means",
    "sentence",
    "sentences",
    "sounds",
    "verdict",
]
