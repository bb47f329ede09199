"""What two samples cost those who play about them: a critic D, whose D is high on draws of the prior.

Legend: B batch; real: D of draws of the prior, codes: D of codes, [B, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

__all__ = ["LOGISTIC", "WASSERSTEIN", "Game"]


class Game(NamedTuple):
    """Who minimises what, each a mean over its examples.

    Attributes:
        of_real, of_codes: what the critic minimises, added up.
        encoder: of the codes.
        prior: of draws of a prior that learns.
    """

    of_real: Callable
    of_codes: Callable
    encoder: Callable
    prior: Callable


def _high(logits):
    return tf.nn.softplus(-logits)


def _low(logits):
    return tf.nn.softplus(logits)


# Goodfellow et al. 2014, non-saturating: the best critic pays 2 ln 2 - 2 JS(q(z), p(z))
LOGISTIC = Game(_high, _low, _high, _low)

# Arjovsky, Chintala and Bottou 2017: of critics of slope 1 the best one pays -W_1(q(z), p(z))
WASSERSTEIN = Game(tf.negative, tf.identity, tf.negative, tf.identity)
