"""What the model is told besides x: the labels of the data set."""

from __future__ import annotations

import dataclasses

from tfvae.checks import UserError
from tfvae.networks import LabelCondition
from zoo.settings import ON, field

__all__ = ["ConditionSettings", "make"]


@dataclasses.dataclass(frozen=True)
class ConditionSettings:
    """A label behind the features, behind z, and (prior=label) in the prior."""

    conditional: bool = field(
        False, "tell encoder and decoder the label of each example (of speech: the speaker)"
    )
    label_width: int | None = field(
        None,
        "of a learned vector for each label; none: one-hot",
        low=1,
        high=65536,
        of={"conditional": ON},
    )


def make(settings, context) -> LabelCondition | None:
    """The condition, or none.

    Raises:
        UserError: a prior that asks for labels which nobody gives; data without labels.
    """
    if not settings.conditional:
        if settings.prior == "label":
            raise UserError("prior=label needs conditional=true, got conditional=false")
        return None
    if not context.num_labels:
        raise UserError("conditional=true needs data with labels, and this space has none")
    return LabelCondition(context.num_labels, settings.label_width)
