"""The procedure axis: updates, and when they happen."""

from tfvae.procedures.aggressive import STOPPING, Aggressive
from tfvae.procedures.alternating import Alternating, Player
from tfvae.procedures.clip import Clip
from tfvae.procedures.joint import Joint
from tfvae.procedures.keep_best import KeepBest
from tfvae.procedures.moving_codebook import MovingCodebook
from tfvae.procedures.partwise import Partwise, encoder_variables
from tfvae.procedures.plateau import REFERENCES, Plateau
from tfvae.procedures.procedure import Procedure
from tfvae.procedures.restarted_codebook import RestartedCodebook
from tfvae.procedures.stage import MAIN, Stage, Start
from tfvae.procedures.until import Until
from tfvae.procedures.update import Update
from tfvae.procedures.usual import usual
from tfvae.procedures.write_codes import WriteCodes

__all__ = [
    "MAIN",
    "REFERENCES",
    "STOPPING",
    "Aggressive",
    "Alternating",
    "Clip",
    "Joint",
    "KeepBest",
    "MovingCodebook",
    "Partwise",
    "Plateau",
    "Player",
    "Procedure",
    "RestartedCodebook",
    "Stage",
    "Start",
    "Until",
    "Update",
    "WriteCodes",
    "encoder_variables",
    "usual",
]
