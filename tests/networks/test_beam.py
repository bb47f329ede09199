"""Beam search: greedy at width 1, exhaustive when wide, and the published rules in between."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.networks.text_parts import NETWORKS, TOKENS, Z, every_network, normal, text_decoder
from tfvae.checks import UserError
from tfvae.likelihoods import Tokens
from tfvae.networks import beam_search
from tfvae.networks.tokens import END, PAD


def _log_prob(decoder, z, tokens):
    log_p = tf.nn.log_softmax(decoder(z, tokens))
    taken = tf.gather(log_p, tokens, batch_dims=2)
    return tf.reduce_sum(tf.where(tokens != PAD, taken, 0.0), 1).numpy()


@every_network
def test_a_beam_of_one_is_greedy_generation(make):
    decoder, z = text_decoder(make, seed=3), normal(16, Z) * 2
    tokens, log_p = beam_search(decoder, z, 1)
    assert len(np.unique(tokens, axis=0)) > 1, "one sentence for all z would prove little"
    np.testing.assert_array_equal(tokens, decoder.generate(z, TOKENS, None, greedy=True))
    np.testing.assert_allclose(log_p, _log_prob(decoder, z, tokens), rtol=1e-5)


def _all_sentences():
    """The 40 sentences that 4 words to draw and 3 steps allow, padded."""
    found = {}
    for tokens in itertools.product((2, 3, 4, 5), repeat=3):
        size = tokens.index(END) + 1 if END in tokens else 3
        found[tokens[:size] + (PAD,) * (3 - size)] = None
    return tf.constant(list(found))


def test_a_wide_beam_finds_the_best_of_all_sentences():
    decoder, z = text_decoder(NETWORKS["lstm-tanh"], vocabulary=6, max_length=3), normal(20, Z) * 3
    sentences = _all_sentences()
    assert len(sentences) == 40
    everywhere = [_log_prob(decoder, tf.repeat(c[None], 40, 0), sentences) for c in z]
    tokens, log_p = beam_search(decoder, z, 64)
    np.testing.assert_allclose(log_p, np.max(everywhere, 1), rtol=1e-5)
    np.testing.assert_array_equal(tokens, tf.gather(sentences, np.argmax(everywhere, 1)))
    greedy = decoder.generate(z, Tokens(6), None, greedy=True)
    assert np.any(tokens != greedy), "a problem that greedy generation solves would prove little"


def _plain_beam(decoder, z, width, shrinks=True):
    """The same search, one hypothesis at a time."""
    live, done = [((), 0.0)], []
    for _ in range(decoder.max_length):
        found = []
        for words, score in live:
            x = tf.constant([[*words, 0]], tf.int32)
            log_p = tf.nn.log_softmax(decoder(z, x)).numpy()[0, len(words)]
            found += [((*words, w), score + log_p[w]) for w in range(2, decoder.vocabulary_size)]
        best = sorted(found, key=lambda h: -h[1])[: width - len(done) if shrinks else width]
        done += [h for h in best if h[0][-1] == END]
        live = [h for h in best if h[0][-1] != END]
    words, score = max(done + live, key=lambda h: h[1])
    return [*words, *[PAD] * (decoder.max_length - len(words))], score


# seeds whose weights make the order of hypotheses, and the narrowing of the beam, matter
@pytest.mark.parametrize("name, seed, width", [("lstm-tanh", 4, 2), ("dilated", 5, 3)])
def test_the_beam_shrinks_by_every_hypothesis_that_ends(name, seed, width):
    decoder = text_decoder(NETWORKS[name], vocabulary=6, max_length=5, seed=seed)
    z = normal(8, Z) * 2
    tokens, log_p = beam_search(decoder, z, width)
    plain = [_plain_beam(decoder, c[None], width) for c in z]
    np.testing.assert_array_equal(tokens, [p[0] for p in plain])
    np.testing.assert_allclose(log_p, [p[1] for p in plain], rtol=1e-5)
    if name == "dilated":
        full = [_plain_beam(decoder, c[None], width, shrinks=False)[0] for c in z]
        assert np.any(tokens != full), "a beam that need not shrink would prove little"


def test_a_width_below_one_is_refused():
    with pytest.raises(UserError, match="1 or more, got 0"):
        beam_search(text_decoder(NETWORKS["lstm-zero"]), normal(1, Z), 0)
