"""Importance-weighted log-likelihood, in chunks of bounded memory.

Legend: K importance samples, S samples of one chunk, B batch.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import positive
from tfvae.numerics import log_mean_exp_init, log_mean_exp_result, log_mean_exp_update
from tfvae.randomness import fold

__all__ = ["importance_weighted_log_prob"]


def _blocks(num_samples, chunk: int) -> tuple[int | tf.Tensor, int]:
    """(blocks, samples a block): as even as can be, so that little of the last is thrown away."""
    if tf.is_tensor(num_samples):
        return -(-tf.cast(num_samples, tf.int32) // chunk), chunk
    blocks = -(-positive("num_samples", num_samples) // chunk)
    return blocks, -(-num_samples // blocks)


def importance_weighted_log_prob(
    log_weights_fn: Callable[[int, tf.Tensor], tf.Tensor],
    num_samples: int | tf.Tensor,
    chunk: int,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """log p(x) >= E log (1/K) sum_k w_k, w_k = p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x).

    Burda, Grosse, Salakhutdinov 2016, eq. 8. The estimate is exact as K grows, and below log p(x)
    in expectation by about Var(w) / (2 K E(w)^2), i.e. about 1 / (2 ess) where ess is large.

    The samples come in ceil(K / chunk) blocks of equal size (the rest of the last block is drawn
    and left out: exactly K samples count). Block i uses the seed folded with i, so the same seed,
    K and chunk give the same figure; another chunk gives other draws of the same estimator. Only
    one block's activations exist at a time.

    Args:
        log_weights_fn: (S, seed [2]) -> log w, [S, B] nats. S is a Python integer. Inside of a
            graph it is traced once, whatever the number of samples.
        num_samples: K > 0, an integer or an int32 scalar tensor (0 in a tensor gives NaN).
        chunk: largest S.
        seed: [2] int32.

    Returns:
        the estimate of log p(x) for each example, [B] nats float32, and the effective sample size
        (sum w)^2 / sum w^2, [B] from 1 to K.

    Raises:
        UserError: `num_samples` or `chunk` is not above 0.
    """
    blocks, size = _blocks(num_samples, int(positive("chunk", chunk)))

    def block(index):
        log_weights = tf.cast(log_weights_fn(size, fold(seed, index)), tf.float32)
        kept = tf.minimum(size, num_samples - index * size)
        counts = tf.range(size)[:, tf.newaxis] < kept
        return tf.where(counts, log_weights, -float("inf")), kept

    if not tf.executing_eagerly():
        block = tf.function(block, autograph=False)  # one trace, called before and in the loop

    # The first block stands before the loop: it tells the shape that the loop carries.
    first, kept = block(tf.constant(0))
    state = log_mean_exp_update(log_mean_exp_init(tf.shape(first)[1:]), first, kept)

    def body(index, state):
        return index + 1, log_mean_exp_update(state, *block(index))

    _, state = tf.while_loop(
        lambda index, _: index < blocks, body, (tf.constant(1), state), parallel_iterations=1
    )
    return log_mean_exp_result(state)
