"""Diagnosis: what happened to the latent, in figures, pictures, sentences, sounds and a verdict."""

from tfvae.diagnosis.diagnose import GAPS, VERDICTS, Diagnosis, diagnose, remedies
from tfvae.diagnosis.documents import documents
from tfvae.diagnosis.figures import collect, examination, figures, mean_spaces
from tfvae.diagnosis.full_gaps import FullGaps, full_gaps
from tfvae.diagnosis.gaps import Gaps, inference_gaps
from tfvae.diagnosis.labels import label_figures
from tfvae.diagnosis.mean_space import posterior_means
from tfvae.diagnosis.measure import information_in_batches, measure, trained_inference
from tfvae.diagnosis.report import diagnosis_html, html
from tfvae.diagnosis.rows import rows
from tfvae.diagnosis.sentences import sentences
from tfvae.diagnosis.shown import Shown, Sound, audio_files
from tfvae.diagnosis.sounds import sounds
from tfvae.diagnosis.validation_information import ValidationInformation
from tfvae.diagnosis.verdict import sentence, verdict

__all__ = [
    "GAPS",
    "VERDICTS",
    "Diagnosis",
    "FullGaps",
    "Gaps",
    "Shown",
    "Sound",
    "ValidationInformation",
    "audio_files",
    "collect",
    "diagnose",
    "diagnosis_html",
    "documents",
    "examination",
    "figures",
    "full_gaps",
    "html",
    "inference_gaps",
    "information_in_batches",
    "label_figures",
    "mean_spaces",
    "measure",
    "posterior_means",
    "remedies",
    "rows",
    "sentence",
    "sentences",
    "sounds",
    "trained_inference",
    "verdict",
]
