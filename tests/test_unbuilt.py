"""What has no state yet, or nothing to look at, says so in a line."""

import pytest
import tensorflow as tf

from tfvae import objectives, procedures, training
from tfvae.checks import UserError
from tfvae.diagnosis import ValidationInformation

_LOGS = {"rate": tf.constant(1.0)}


class _WithoutObjective(procedures.Procedure):
    """Keeps the best weights, and does not say by what they are judged."""

    def build(self, model, strategy, run_eagerly=False):
        self._build_rate(model)

    def state(self):
        return {}


def _dual():
    return objectives.DualVariable("rate", 1.0)


def _without_objective():
    return _WithoutObjective(learning_rate=procedures.KeepBest(1e-3))


def _aggressive():
    return procedures.Aggressive("sgd", "sgd", lambda model: 1.0, None)


def _critic():
    return procedures.Player("critic", procedures.Update(objectives.elbo(), "sgd"), 1)


def _trained(procedure):
    return training.train("main", None, procedure, iter, 9, None, dict, 3, 3)


@pytest.mark.parametrize(
    "use, said",
    [
        (lambda: _dual()(0), "DualVariable must be built"),
        (lambda: _dual().feed(0, _LOGS), "DualVariable must be built"),
        (lambda: objectives.SoftFreeBits(1.0)(0), "SoftFreeBits must be built"),
        (lambda: objectives.SoftFreeBits(1.0).feed(0, _LOGS), "SoftFreeBits must be built"),
        (lambda: objectives.Switch(1.0, 0.0)(0), "Switch must be built"),
        (lambda: objectives.Switch(1.0, 0.0).turn_on(1), "Switch must be built"),
        (lambda: procedures.KeepBest(1.0).observe(1, 0.5, ()), "KeepBest must be built"),
        (lambda: procedures.KeepBest(1.0).take_back(), "KeepBest must be built"),
        (lambda: procedures.Plateau(1.0)(1), "Plateau must be built"),
        (lambda: procedures.Plateau(1.0).over, "Plateau must be built"),
        (lambda: ValidationInformation()(None), "needs examples"),
        (
            lambda: _trained(_aggressive()),
            "a run has steps and no epochs",
        ),
        (
            lambda: _trained(procedures.Alternating(_aggressive(), [_critic()])),
            "a run has steps and no epochs",
        ),
        (lambda: _without_objective().observe({}), "must have an objective"),
        (lambda: _without_objective().build(None, None), "must have an objective"),
    ],
)
def test_it_is_refused(use, said):
    with pytest.raises(UserError, match=said) as refusal:
        use()
    assert "\n" not in str(refusal.value)
