"""The procedure axis: updates, and when they happen."""

from tfvae.procedures.joint import Joint
from tfvae.procedures.procedure import Procedure
from tfvae.procedures.update import Update

__all__ = ["Joint", "Procedure", "Update"]
