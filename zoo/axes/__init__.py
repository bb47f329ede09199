"""The axes of a VAE of the zoo, each with the settings that say where on it a model stands.

    latent          posterior and prior, codes, a memory    what the code costs
    objective       weights and terms, divergences          what is minimised
    inference       amortised, semi-amortised               how z is found for an x
    procedure       joint, aggressive; optimizer            which weights move when

The networks' settings belong to the kind of data (`zoo.modalities`). A model is a point: the defaults
that it gives to these settings; any of them can be set anew from the command line.
"""

from zoo.axes.codes import CodeSettings
from zoo.axes.condition import ConditionSettings
from zoo.axes.divergence import DivergenceSettings
from zoo.axes.inference import InferenceSettings
from zoo.axes.latent import LatentSettings
from zoo.axes.memory import MemorySettings
from zoo.axes.objective import ObjectiveSettings
from zoo.axes.procedure import ProcedureSettings, TrainingSettings

__all__ = [
    "GROUPS",
    "CodeSettings",
    "ConditionSettings",
    "DivergenceSettings",
    "InferenceSettings",
    "LatentSettings",
    "MemorySettings",
    "ObjectiveSettings",
    "ProcedureSettings",
    "TrainingSettings",
]

GROUPS = (
    LatentSettings,
    CodeSettings,
    MemorySettings,
    ConditionSettings,
    ObjectiveSettings,
    DivergenceSettings,
    InferenceSettings,
    ProcedureSettings,
    TrainingSettings,
)
