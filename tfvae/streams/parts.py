"""What a batch of the main stage is made of, where it is not the next examples of a shuffled set."""

from __future__ import annotations

from tfvae.checks import UserError
from tfvae.parts import Part, facts, part, setting
from tfvae.streams.interleaved import PartlyLabelled
from tfvae.streams.one_factor import OneFactorVaries

__all__ = ["OneFactorBatches", "PartlyLabelledBatches"]


@part
class OneFactorBatches(Part):
    """Examples that are alike in all factors but one, which differs from batch to batch (DC-IGN)."""

    place, name = "batches", "one_factor"
    needs = facts("factors")
    offers = facts("one_factor_batches")
    withholds = facts("usual_batches each_label labels")  # what lies beside x is the factor
    factor_odds: tuple[float, ...] = setting(
        (),
        "how often each factor is the one that varies, by weight; empty: equally",
        low=1e-6,
        high=1e6,
        length=(0, 100),
    )

    def make(self, context):
        asked = getattr(context.point["inference"], "num_factors", None)
        return OneFactorVaries(self.factor_odds, None if asked is None else asked(context))


@part
class PartlyLabelledBatches(Part):
    """A share of each batch keeps its labels, from a few examples; the others' are not known."""

    place, name = "batches", "partly_labelled"
    needs = facts("labels pairs")
    withholds = facts("each_label usual_batches")
    labelled_examples: int | None = setting(
        None, "training examples that keep their label, evenly by label", low=1
    )
    labelled_fraction: float | None = setting(
        None,
        "the same as a share of the training set; none of the two: a tenth",
        low=1e-6,
        high=1.0,
    )
    labelled_share: float = setting(0.5, "of each batch", low=1e-3, high=0.999)

    def make(self, context):
        if self.labelled_examples is not None and self.labelled_fraction is not None:
            raise UserError(
                "labelled_examples and labelled_fraction both say how many labels are known: take one of them"
            )
        number = self.labelled_examples
        if number is None:
            fraction = 0.1 if self.labelled_fraction is None else self.labelled_fraction
            number = max(1, round(fraction * context.num_examples))
        return PartlyLabelled(number, self.labelled_share, context.seed)
