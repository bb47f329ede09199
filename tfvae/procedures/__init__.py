"""The procedure axis: updates, and when they happen."""

from tfvae.procedures.aggressive import STOPPING, Aggressive
from tfvae.procedures.joint import Joint
from tfvae.procedures.partwise import Partwise
from tfvae.procedures.plateau import Plateau
from tfvae.procedures.procedure import Procedure
from tfvae.procedures.update import Update

__all__ = ["STOPPING", "Aggressive", "Joint", "Partwise", "Plateau", "Procedure", "Update"]
