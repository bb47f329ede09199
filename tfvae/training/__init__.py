"""Training: the one layer that touches the disk."""

from tfvae.training import export, formats, strategy
from tfvae.training.callbacks import Checkpointer, FiniteGuard, Monitor, Progress
from tfvae.training.checkpoint import ExactCheckpoint
from tfvae.training.collapse_monitor import CollapseMonitor
from tfvae.training.loop import train
from tfvae.training.run_directory import RunDirectory
from tfvae.training.run_lock import InUse, RunLock
from tfvae.training.start import take_weights

__all__ = [
    "Checkpointer",
    "CollapseMonitor",
    "ExactCheckpoint",
    "FiniteGuard",
    "InUse",
    "Monitor",
    "Progress",
    "RunDirectory",
    "RunLock",
    "export",
    "formats",
    "strategy",
    "take_weights",
    "train",
]
