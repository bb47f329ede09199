"""First an autoencoder: what the encoder learns while its rate is free."""

from __future__ import annotations

from tfvae import objectives
from tfvae.parts import facts, part, setting
from tfvae.procedures.parts import Played, StagePart, joint_procedure
from tfvae.procedures.stage import Stage

__all__ = ["Pretraining"]


@part
class Pretraining(StagePart):
    """First an autoencoder with noise (weight 0); then its decoder is made anew (Li et al. 2019)."""

    name = "pretrain"
    needs = facts("density decodes labels_always_known")
    owns = frozenset({"where the encoder starts"})
    pretrain_steps: int = setting(1000, "of it", low=1)

    def make(self, context, model):
        played = Played(objectives.elbo(0.0))
        procedure = joint_procedure(context, played, self.pretrain_steps)
        return Stage("pretrain", model, procedure, self.pretrain_steps)

    def done(self, model, fresh):
        """A decoder that knows nothing, for an encoder that does; the same after a resume."""
        for old, new in zip(model.decoder.variables, fresh().decoder.variables):
            old.assign(new)
