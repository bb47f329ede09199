"""A latent for each position of a sentence: what it reaches, and generation."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.networks.text_parts import NETWORKS, TOKENS, E, V, normal, randomise, sentences
from tfvae.checks import UserError
from tfvae.networks import AntiCausalTextEncoder, LSTMNetwork, PositionalTextDecoder, TextDecoder
from tfvae.randomness import seed_of
from zoo.modalities import text

L, D = 7, 2
FIRST = {1: [0], 3: [0, 3, 5], 7: [0, 1, 2, 3, 4, 5, 6]}  # ceil(i L / n)


def _decoder(make, positions):
    decoder = PositionalTextDecoder(V, L, make(), E)
    decoder.build((None, positions, D))
    return randomise(decoder)


@pytest.mark.parametrize(
    ("name", "positions"), [("lstm-tanh", 3), ("transformer", 7), ("dilated", 3), ("dilated", 1)]
)
def test_a_latent_reaches_its_own_tokens_and_none_before(name, positions):
    """|d logits_t / d z_i|; all later tokens too, where the network sees so far."""
    decoder, x = _decoder(NETWORKS[name], positions), sentences(L)
    z = normal(1, positions, D)
    with tf.GradientTape() as tape:
        tape.watch(z)
        rows = tf.reduce_sum(decoder(z, x) * normal(1, L, V, seed=7), [0, 2])
    reach = np.abs(tape.jacobian(rows, z)[:, 0].numpy()).sum(-1)  # [T, n]
    for i, first in enumerate(FIRST[positions]):
        last = [*FIRST[positions], L][i + 1]
        assert np.all(reach[:first, i] == 0)
        assert np.all(reach[first:last, i] > 0)
        if name != "dilated":
            assert np.all(reach[first:, i] > 0)


def test_with_one_position_it_is_the_decoder_that_tells_z_at_every_token():
    one = _decoder(lambda: LSTMNetwork(6, "zero"), 1)
    every = TextDecoder(V, L, LSTMNetwork(6, "zero"), E)
    every.build((None, D))
    every.set_weights(one.get_weights())
    z, x = normal(3, 1, D), sentences(7, 4, 2)
    np.testing.assert_allclose(one(z, x), every(z[:, 0], x), rtol=1e-5)


def test_greedy_generation_is_the_repeated_argmax_of_the_parallel_pass():
    decoder, z = _decoder(NETWORKS["lstm-tanh"], 3), 3.0 * normal(4, 3, D)
    drawn = decoder.generate(z, TOKENS, seed_of(0), greedy=True).numpy()
    logits = decoder(z, tf.constant(drawn)).numpy()
    logits[..., :2] = -np.inf  # never <pad> or <s>
    for row, likeliest in zip(drawn, logits.argmax(-1)):
        size = int((row == 2).argmax()) + 1 if (row == 2).any() else L
        np.testing.assert_array_equal(row[:size], likeliest[:size])
    assert len({tuple(row) for row in drawn}) > 1


def test_latents_without_positions_or_with_too_many_are_refused():
    for shape in ((None, D), (None, L + 1, D)):
        with pytest.raises(UserError, match=r"needs latents of shape \(n, D\) with n from 1 to 7"):
            PositionalTextDecoder(V, L, LSTMNetwork(6), E).build(shape)


def test_delta_vae_of_text_tells_each_token_its_own_latent():
    space = text.Space(vocabulary_size=V, max_length=L, fixed=False)
    small = {"units": 4, "embedding_width": 3, "latent_width": 2, "latent_positions": L}
    model = zoo.build("delta_vae", "pydoc", space, **small)
    assert isinstance(model.decoder, PositionalTextDecoder)
    assert isinstance(model.encoder, AntiCausalTextEncoder) and model.encoder.max_length == L
    z, x = tf.zeros([1, L, 2]), sentences(L)
    late = tf.concat([z[:, :4], 5.0 + z[:, 4:]], 1)
    gap = np.abs(model.parameters(z, x) - model.parameters(late, x)).max((0, 2))
    assert np.all(gap[:4] == 0) and np.all(gap[4:] > 0)
    every = zoo.build("delta_vae", "pydoc", space, **small, latent_at_token="all")
    assert type(every.decoder) is TextDecoder
