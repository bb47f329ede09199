"""Beam search: a sentence of high p(x | z), not a draw.

Legend: B batch, K width of the beam, V vocabulary, L the decoder's max_length.
"""

from __future__ import annotations

import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.networks.tokens import END, PAD, START

__all__ = ["beam_search"]


def beam_search(decoder, z, width: int = 5):
    """argmax_x sum_t log p(x_t | x_<t, z), searched among the K best beginnings at each step.

    A hypothesis that ends leaves the beam, which shrinks by it; there is no normalisation by
    length (as in the released code of He et al. 2019). The best one in total wins, whether it has
    ended or was cut after L tokens, as `TextDecoder.generate` cuts. Width 1 is greedy generation.

    Args:
        decoder: a `TextDecoder`.
        z: the latents, [B, ...].
        width: K.

    Returns:
        tokens [B, L] int32, padded after `</s>`; log p(tokens | z) [B] in nats, under the whole
        softmax (`<pad>` and `<s>` keep their share of it, but are never taken).

    Raises:
        UserError: a width below 1.
    """
    if width < 1:
        raise UserError(f"the width of a beam must be 1 or more, got {width}")
    z = tf.convert_to_tensor(z)
    if not decoder.built:
        decoder.build(z.shape)
    return (_compiled_search if tf.executing_eagerly() else _search)(decoder, z, width)


def _search(decoder, z, width):
    """One loop over steps; row b * K + k holds hypothesis k of sentence b."""
    batch, length, vocabulary = ops.shape(z)[0], decoder.max_length, decoder.vocabulary_size
    z = tf.repeat(z, width, axis=0)
    words, places, slots = tf.range(vocabulary), tf.range(length), tf.range(width)
    never = (words == PAD) | (words == START)
    dead = tf.constant(-float("inf"), decoder.output_layer.compute_dtype)

    def body(t, state, tokens, scores, left, best, best_tokens):
        # tokens [B,K,L]; scores [B,K], of dead hypotheses -inf; left [B], what the beam may hold
        last = tokens[:, :, tf.maximum(t - 1, 0)]
        last = tf.where(t == 0, START, last)
        logits, state = decoder.step(state, z, tf.reshape(last, [-1]), t)
        steps = tf.where(never, dead, tf.nn.log_softmax(logits))
        totals = scores[:, :, None] + tf.reshape(steps, [batch, width, vocabulary])
        scores, chosen = tf.math.top_k(tf.reshape(totals, [batch, width * vocabulary]), width)
        scores = tf.where(slots < left[:, None], scores, dead)
        parents, drawn = chosen // vocabulary, chosen % vocabulary
        tokens = tf.gather(tokens, parents, batch_dims=1)
        tokens = tf.where(places == t, drawn[..., None], tokens)
        rows = tf.reshape(parents + tf.range(batch)[:, None] * width, [-1])
        state = tf.nest.map_structure(lambda s: tf.gather(s, rows), state)

        ended = (drawn == END) & (scores > dead)
        leaves = ended | (t == length - 1)
        found = tf.where(leaves, scores, dead)
        better = tf.reduce_max(found, 1) > best
        winner = tf.gather(tokens, tf.argmax(found, 1), batch_dims=1)
        best = tf.maximum(best, tf.reduce_max(found, 1))
        best_tokens = tf.where(better[:, None], winner, best_tokens)
        left -= tf.math.count_nonzero(ended, 1, dtype=tf.int32)
        # What has left frees no room: the rest of the beam is narrower from here on.
        return t + 1, state, tokens, tf.where(leaves, dead, scores), left, best, best_tokens

    def goes_on(t, state, tokens, scores, left, best, best_tokens):
        # Scores only fall, so a beam that is below the best finished one cannot win any more.
        return (t < length) & tf.reduce_any(tf.reduce_max(scores, 1) > best)

    start = (
        0,
        decoder.begin(z),
        tf.fill([batch, width, length], PAD),
        # K equal beginnings would be one hypothesis K times
        tf.where(slots == 0, tf.zeros([batch, width], dead.dtype), dead),
        tf.fill([batch], width),
        tf.fill([batch], dead),
        tf.fill([batch, length], PAD),
    )
    *_, best, best_tokens = tf.while_loop(goes_on, body, start, parallel_iterations=1)
    return best_tokens, best


# As in `decoder`: compiled once, and no attribute of any layer.
_compiled_search = tf.function(_search, autograph=False)
