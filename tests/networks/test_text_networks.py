"""Text networks: causal, generated as evaluated, noisy on demand only."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.text_parts import (
    NETWORKS,
    TOKENS,
    E,
    V,
    Z,
    every_network,
    normal,
    randomise,
    sensitivity,
    sentences,
    text_decoder,
)
from tfvae.checks import UserError
from tfvae.likelihoods import Tokens
from tfvae.networks import (
    CausalTransformer,
    DilatedCNN,
    LSTMNetwork,
    TextDecoder,
    TextEncoder,
    word_dropout,
)
from tfvae.networks.dropout import dropout
from tfvae.networks.tokens import END, PAD, START, UNKNOWN, lengths, shift_right
from tfvae.randomness import seed_of

# ---------------------------------------------------------------- causal networks


@every_network
def test_a_feature_sees_its_own_and_earlier_inputs_only(make):
    network, inputs, z = make(), normal(2, 6, E), normal(2, Z)
    network(inputs, z)
    randomise(network)
    reach = sensitivity(lambda i: network(i, z), inputs)
    assert np.all(reach[np.triu_indices(6, 1)] == 0)
    assert np.all(reach[np.tril_indices(6)] > 0)


@pytest.mark.parametrize(
    "dilations, kernel_size, ages",
    [
        ((1, 2), 3, range(7)),
        ((1, 3), 2, (0, 1, 3, 4)),
        ((3,), 3, (0, 3, 6)),
        ((2, 2), 1, (0,)),
        ((), 3, (0,)),
    ],
)
def test_the_receptive_field_of_the_dilated_network_is_exact(dilations, kernel_size, ages):
    """Feature t sees the inputs of age sum_i j_i d_i, 0 <= j_i < k, and no others."""
    network, inputs = DilatedCNN(8, 6, dilations, kernel_size), normal(2, 10, E)
    network(inputs, z := normal(2, Z))
    randomise(network)
    reach = sensitivity(lambda i: network(i, z), inputs)
    age = np.subtract.outer(np.arange(10), np.arange(10))
    np.testing.assert_array_equal(reach > 0, np.isin(age, ages))
    assert network.receptive_field == max(ages) + 1


def test_receptive_fields_of_the_paper():
    """Yang et al. 2017: SCNN 15, MCNN 63, LCNN 125, VLCNN 187."""
    medium = (1, 2, 4, 8, 16)
    fields = [
        DilatedCNN(2, 2, d).receptive_field for d in ((1, 2, 4), medium, medium * 2, medium * 3)
    ]
    assert fields == [15, 63, 125, 187]


def _weights(layer):
    return [w.numpy().astype(np.float64) for w in layer.weights]


def test_the_dilated_network_equals_its_formula_in_numpy():
    network, inputs, z = DilatedCNN(8, 6, (1, 2), 3), normal(2, 7, E), normal(2, Z)
    network(inputs, z)
    kernel, bias = _weights(randomise(network).enter)
    x = inputs.numpy() @ kernel + bias
    for block, dilation in zip(network.blocks, (1, 2)):
        w1, b1 = _weights(block.enter)
        taps, b = _weights(block.convolve)
        w2, b2 = _weights(block.leave)
        u = np.maximum(x @ w1 + b1, 0)
        v = b + np.zeros((2, 7, 6))
        for i, tap in enumerate(np.split(taps, 3)):
            back = (2 - i) * dilation
            v[:, back:] += u[:, : 7 - back] @ tap
        x = np.maximum(x + np.maximum(v, 0) @ w2 + b2, 0)
    np.testing.assert_allclose(network(inputs, z), x, rtol=1e-4, atol=1e-4)


def _normalised(layer, x):
    gamma, beta = _weights(layer)
    variance = x.var(-1, keepdims=True)
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(variance + 1e-5) + beta


def test_the_transformer_equals_its_formula_in_numpy():
    """One sentence, head by head and query by query."""
    network, inputs, z = CausalTransformer(8, 2, 2, 12), normal(1, 5, E), normal(1, Z)
    network(inputs, z)
    kernel, bias = _weights(randomise(network).enter)
    x = inputs.numpy()[0] @ kernel + bias + network.positions.numpy()[:5]
    for block in network.blocks:
        kernel, bias = _weights(block.queries_keys_values)
        queries, keys, values = np.split(
            _normalised(block.normalise_attention, x) @ kernel + bias, 3, 1
        )
        mixed = np.zeros((5, 8))
        for head in (slice(0, 4), slice(4, 8)):
            for t in range(5):
                scores = np.exp(keys[: t + 1, head] @ queries[t, head] / 2)  # sqrt(4)
                mixed[t, head] = scores @ values[: t + 1, head] / scores.sum()
        kernel, bias = _weights(block.leave)
        x = x + mixed @ kernel + bias
        kernel, bias = _weights(block.mlp_in)
        inner = _normalised(block.normalise_mlp, x) @ kernel + bias
        inner *= 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        kernel, bias = _weights(block.mlp_out)
        x = x + inner @ kernel + bias
    expected = _normalised(network.normalise, x)
    np.testing.assert_allclose(network(inputs, z)[0], expected, rtol=1e-4, atol=1e-4)


@every_network
def test_steps_with_a_cache_equal_the_parallel_pass(make):
    network, inputs, z = make(), normal(3, 8, E), normal(3, Z)
    network(inputs, z)
    whole = randomise(network)(inputs, z)
    state = network.begin(z, 8)
    shapes = tf.nest.map_structure(lambda s: s.shape, state)
    for t in range(8):
        features, state = network.step(state, inputs[:, t], tf.constant(t))
        np.testing.assert_allclose(features, whole[:, t], atol=1e-5)
        assert tf.nest.map_structure(lambda s: s.shape, state) == shapes
    assert whole.shape[-1] == network.output_width


def test_first_states_of_the_lstm():
    z = normal(3, Z)
    for kind in ("tanh", "linear", "zero"):
        network = LSTMNetwork(5, kind)
        network.build((None, None, E), (None, Z))
        h, c = randomise(network).begin(z, 1)
        if kind == "zero":
            assert not np.any(h) and not np.any(c) and network.first is None
            continue
        projected = z @ network.first.kernel
        if kind == "linear":
            assert not np.any(c)
            np.testing.assert_allclose(h, projected + network.first.bias, rtol=1e-5)
        else:
            assert not network.first.use_bias
            np.testing.assert_allclose(c, projected, rtol=1e-5)
            np.testing.assert_allclose(h, np.tanh(projected), rtol=1e-5)


def test_the_initial_scale_holds_for_every_weight_and_no_two_are_the_same_draw():
    keras.utils.set_random_seed(1)
    network = LSTMNetwork(16, "linear", initial_scale=0.01)
    network.build((None, None, 16), (None, 16))
    decoder = TextDecoder(50, 5, network, 14, initial_scale=0.01, embedding_scale=0.1)
    decoder.build((None, 2))
    encoder = TextEncoder(50, 14, 16, initial_scale=0.01, embedding_scale=0.1)
    encoder.build((None, None))
    for layer in (decoder, encoder):
        for weight in layer.weights:
            limit = 0.1 if "embeddings" in weight.path else 0.01
            if weight.path.endswith("lstm_cell/bias"):  # the sum of PyTorch's two
                limit, spread = 0.02, 0.01 * (2 / 3) ** 0.5
            else:
                spread = limit / 3**0.5
            assert 0.75 * limit < np.abs(weight).max() <= limit, weight.path
            assert np.std(weight) == pytest.approx(spread, rel=0.25), weight.path
    kernels = [w.numpy() for w in network.weights if w.shape == (16, 64)]
    assert len(kernels) == 2 and not np.any(kernels[0] == kernels[1])


@pytest.mark.parametrize("kind", ["tanh", "linear"])
def test_second_derivatives_with_respect_to_z_pass_through_the_lstm(kind):
    """Hessian-vector products in float64 against central differences of the gradient."""
    network = LSTMNetwork(5, kind, dtype="float64")
    inputs, z = (tf.cast(normal(2, *s), tf.float64) for s in ((4, E), (Z,)))
    network(inputs, z)
    randomise(network)

    @tf.function(autograph=False)
    def gradient(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = tf.reduce_sum(tf.sin(3 * network(inputs, z)))
        return tape.gradient(loss, z)

    @tf.function(autograph=False)
    def product(z, v):
        with tf.GradientTape() as tape:
            tape.watch(z)
            inner = tf.reduce_sum(gradient(z) * v)
        return tape.gradient(inner, z)

    v = tf.cast(normal(2, Z, seed=5), tf.float64)
    numeric = (gradient(z + 1e-5 * v) - gradient(z - 1e-5 * v)) / 2e-5
    assert np.abs(numeric).min() > 1e-3
    np.testing.assert_allclose(product(z, v), numeric, rtol=1e-6)


# ---------------------------------------------------------------- the decoder


def test_lengths_and_the_shift():
    x = sentences(4, 2)
    np.testing.assert_array_equal(lengths(x), [4, 2])
    shifted = shift_right(x).numpy()
    assert np.all(shifted[:, 0] == START)
    np.testing.assert_array_equal(shifted[:, 1:], x[:, :-1])


@every_network
def test_the_decoder_never_sees_the_token_it_predicts_and_z_reaches_every_step(make):
    decoder, x, z = text_decoder(make), sentences(6), normal(1, Z)
    embedded = decoder.embedding(shift_right(x))
    reach = sensitivity(lambda e: decoder.from_embeddings(z, e), embedded)
    assert np.all(reach[np.triu_indices(6, 1)] == 0)  # input s is token s - 1
    assert np.all(reach[np.tril_indices(6)] > 0)
    assert np.all(sensitivity(lambda z: decoder(z[0], x), z[None]) > 0)
    # and token by token: a change of token j moves the logits after j, and no others
    before = decoder(z, x).numpy()[0]
    for j in range(6):
        changed = x.numpy()
        changed[0, j] = 3 + (changed[0, j] - 2) % 6
        difference = np.abs(decoder(z, changed).numpy()[0] - before).max(-1)
        assert np.all(difference[: j + 1] == 0)
        assert j == 5 or difference[j + 1] > 0


@every_network
def test_probabilities_of_all_sentences_sum_to_one(make):
    """Of the 6^3 token triples, cut after the first `</s>`: a complete set of disjoint events."""
    decoder = text_decoder(make, width=0, vocabulary=6)
    probabilities = {}
    x = np.array(list(itertools.product(range(6), repeat=3)), np.int32)
    log_p = tf.nn.log_softmax(decoder(tf.zeros([len(x), 0]), tf.constant(x))).numpy()
    for tokens, row in zip(x, log_p):
        size = list(tokens).index(END) + 1 if END in tokens else 3
        probabilities[tuple(tokens[:size])] = row[np.arange(size), tokens[:size]].sum()
    assert np.exp(list(probabilities.values())).sum() == pytest.approx(1, abs=1e-5)


def _numpy_lstm(decoder, z, x):
    """Logits of one sentence, float64: z at every step and in the first state, `<s>` first."""

    def array(variable):
        return variable.numpy().astype(np.float64)

    def sigmoid(value):
        return 1 / (1 + np.exp(-value))

    network, cell = decoder.network, decoder.network.lstm.cell
    h = c = np.zeros(network.units)
    if network.initial_state == "tanh":
        c = z @ array(network.first.kernel)
        h = np.tanh(c)
    if network.initial_state == "linear":
        h = z @ array(network.first.kernel) + array(network.first.bias)
    logits = []
    for word in [START, *x[:-1]]:
        inputs = np.concatenate([array(decoder.embedding.embeddings)[word], z])
        gates = inputs @ array(cell.kernel) + h @ array(cell.recurrent_kernel) + array(cell.bias)
        take, forget, fresh, give = np.split(gates, 4)
        c = sigmoid(forget) * c + sigmoid(take) * np.tanh(fresh)
        h = sigmoid(give) * np.tanh(c)
        logits.append(h @ array(decoder.output_layer.kernel))
    if decoder.output_bias:
        logits += array(decoder.output_layer.bias)
    return np.array(logits)


@pytest.mark.parametrize(
    "kind, bias, weights", [("tanh", False, 6), ("linear", True, 8), ("zero", False, 5)]
)
def test_the_decoder_equals_an_lstm_written_in_numpy(kind, bias, weights):
    """He et al. 2019 ("tanh"), Kim et al. 2018 ("linear"), a language model; no other weights."""
    decoder = text_decoder(lambda: LSTMNetwork(6, kind), output_bias=bias)
    assert len(decoder.weights) == weights
    x, z = sentences(7, 5, 2), normal(3, Z)
    expected = [_numpy_lstm(decoder, c.astype(np.float64), s) for c, s in zip(z.numpy(), x.numpy())]
    np.testing.assert_allclose(decoder(z, x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["tanh", "zero"])
def test_without_a_latent_the_decoder_is_a_language_model(kind):
    """z = 0 says what a decoder without any z says, the rest of the weights being equal."""
    decoder = text_decoder(lambda: LSTMNetwork(6, kind))
    without = text_decoder(lambda: LSTMNetwork(6, kind), width=0)
    cell = decoder.network.lstm.cell
    assert len(without.weights) == 5
    without.set_weights(
        [cell.kernel[:E], cell.recurrent_kernel, cell.bias]
        + [decoder.embedding.embeddings, decoder.output_layer.kernel]
    )
    x = sentences(7, 5, 2)
    np.testing.assert_allclose(
        decoder(tf.zeros([3, Z]), x), without(tf.zeros([3, 0]), x), rtol=1e-5, atol=1e-6
    )


def test_latents_of_any_shape_are_flattened():
    decoder, x, z = text_decoder(NETWORKS["lstm-tanh"], width=6), sentences(5, 3), normal(2, 3, 2)
    np.testing.assert_array_equal(decoder(z, x), decoder(tf.reshape(z, [2, 6]), x))
    assert decoder.data_shape == (None,)
    assert decoder(z, x).dtype == tf.float32


@every_network
def test_greedy_generation_is_the_repeated_argmax_of_the_parallel_pass(make):
    decoder, z = text_decoder(make, seed=3), normal(8, Z) * 2
    tokens = decoder.generate(z, TOKENS, seed_of(0), greedy=True).numpy()
    expected = np.zeros((8, 7), np.int32)
    for t in range(7):
        logits = decoder(z, tf.constant(expected)).numpy()[:, t]
        logits[:, [PAD, START]] = -np.inf
        ended = np.any(expected == END, 1)
        expected[:, t] = np.where(ended, PAD, logits.argmax(-1))
    np.testing.assert_array_equal(tokens, expected)
    assert len(np.unique(tokens, axis=0)) > 1, "one sentence for all z would prove little"


def test_generation_stops_pads_and_is_a_function_of_its_seed():
    decoder, z = text_decoder(NETWORKS["lstm-zero"], max_length=9), normal(64, Z)
    calls = []
    progress = lambda *counts: calls.append(counts)  # noqa: E731
    tokens = decoder.generate(z, TOKENS, seed_of(1), progress=progress).numpy()
    assert tokens.shape == (64, 9) and tokens.dtype == np.int32 and calls == [(9, 9)]
    assert not np.any(tokens == START)
    ends = np.any(tokens == END, 1)
    assert 0 < ends.sum() < 64
    for row in tokens:
        size = list(row).index(END) + 1 if END in row else 9
        assert np.all(row[:size] != PAD) and np.all(row[size:] == PAD)
    traced = tf.function(
        lambda z, s: decoder.generate(z, TOKENS, s),
        input_signature=[tf.TensorSpec([None, Z]), tf.TensorSpec([2], tf.int32)],
    )
    np.testing.assert_array_equal(traced(z, seed_of(1)), tokens)
    assert np.any(decoder.generate(z, TOKENS, seed_of(2)) != tokens)


def test_a_sentence_does_not_depend_on_the_others_of_its_batch():
    """So the ends of an interpolation are the decodings of its two codes."""
    decoder, z = text_decoder(NETWORKS["lstm-tanh"], seed=3), normal(2, Z) * 2
    way = tf.stack([(1 - tau) * z[0] + tau * z[1] for tau in (0.0, 0.25, 0.5, 0.75, 1.0)])
    sentences_on_it = decoder.generate(way, TOKENS, None, greedy=True).numpy()
    assert np.any(sentences_on_it[0] != sentences_on_it[-1])
    for row, end in ((0, z[:1]), (-1, z[1:])):
        alone = decoder.generate(end, TOKENS, None, greedy=True)
        np.testing.assert_array_equal(sentences_on_it[row], alone[0])


@pytest.mark.statistical
def test_sampled_tokens_follow_the_softmax():
    """First token, and second given first: chi-square with 6 degrees of freedom, N = 20000 rows.

    Words 2, 3 and 4 of a vocabulary of 5 can be drawn. Threshold 22.46: false-fail rate 0.1 % (for
    a new seed; the seed is fixed).
    """
    decoder = text_decoder(NETWORKS["lstm-tanh"], vocabulary=5, max_length=2)
    z = tf.repeat(normal(1, Z), 20000, axis=0)
    tokens = decoder.generate(z, Tokens(5), seed_of(3)).numpy()
    statistic = 0.0
    for first in (None, 3, 4):
        at = 0 if first is None else 1
        drawn = tokens[:, at] if first is None else tokens[tokens[:, 0] == first, 1]
        logits = decoder(z[:1], tf.constant([[first or PAD, PAD]])).numpy()[0, at, 2:]
        expected = len(drawn) * np.exp(logits) / np.exp(logits).sum()
        assert expected.min() > 20
        observed = np.bincount(drawn, minlength=5)[2:]
        assert observed.sum() == len(drawn)
        statistic += ((observed - expected) ** 2 / expected).sum()
    assert statistic < 22.46


# ---------------------------------------------------------------- noise


def test_word_dropout_rate_and_what_it_spares():
    """10^5 words, replaced fraction 0.3 +- 0.005 (3.4 standard deviations)."""
    words = tf.fill([200, 500], 7)
    replaced = word_dropout(words, 0.7, seed_of(4)).numpy()
    assert set(np.unique(replaced)) == {UNKNOWN, 7}
    assert np.mean(replaced == UNKNOWN) == pytest.approx(0.3, abs=0.005)
    np.testing.assert_array_equal(replaced, word_dropout(words, 0.7, seed_of(4)))
    assert np.any(replaced != word_dropout(words, 0.7, seed_of(5)))
    spared = tf.constant(np.random.default_rng(0).choice([PAD, START], [200, 500]), tf.int32)
    np.testing.assert_array_equal(word_dropout(spared, 0.3, seed_of(4)), spared)
    x = tf.constant([[START, 5, END, PAD, PAD]])
    np.testing.assert_array_equal(word_dropout(x, 0.0, None), [[START, 3, 3, PAD, PAD]])
    np.testing.assert_array_equal(word_dropout(x, 1.0, None), x)
    with pytest.raises(UserError, match="seed"):
        word_dropout(x, 0.5, None)


@every_network
def test_the_inputless_decoder_knows_the_length_and_z_only(make):
    decoder, z = text_decoder(make, word_keep=0.0), normal(2, Z)
    x, other = sentences(6, 4), sentences(6, 4, seed=9)
    assert np.any(x != other)
    for seed in (None, seed_of(1)):
        np.testing.assert_array_equal(decoder(z, x, seed), decoder(z, other, seed))
    seen = text_decoder(make, word_keep=0.0, evaluate_word_keep=1)
    assert np.any(seen(z, x) != seen(z, other))
    # generation reads what evaluation reads: every step is the argmax given z alone
    tokens = decoder.generate(z, TOKENS, None, greedy=True).numpy()
    logits = decoder(z, tf.fill([2, 7], 5)).numpy()
    logits[..., [PAD, START]] = -np.inf
    size = np.where(np.any(tokens == END, 1), np.argmax(tokens == END, 1) + 1, 7)
    for row, best, n in zip(tokens, logits.argmax(-1), size):
        np.testing.assert_array_equal(row[:n], best[:n])


def test_dropout_keeps_the_mean_and_is_a_function_of_its_seed():
    x = tf.ones([50, 40, 10])
    assert dropout(x, 0.5, None) is x and dropout(x, 0.0, seed_of(1)) is x
    dropped = dropout(x, 0.25, seed_of(1)).numpy()
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 3], rtol=1e-6)
    assert np.mean(dropped == 0) == pytest.approx(0.25, abs=0.012)  # 20000 numbers, 3.9 deviations
    np.testing.assert_array_equal(dropped, dropout(x, 0.25, seed_of(1)))


def test_two_replicas_drop_what_one_device_drops(two_replicas):
    noise = {"word_keep": 0.5, "input_dropout": 0.3, "output_dropout": 0.3}
    decoder, x, z = text_decoder(NETWORKS["dilated"], **noise), sentences(6, 6, 5, 4), normal(4, Z)
    whole = decoder(z, x, seed_of(6))

    @tf.function
    def replica():
        rows = 2 * tf.distribute.get_replica_context().replica_id_in_sync_group + tf.range(2)
        return decoder(tf.gather(z, rows), tf.gather(x, rows), seed_of(6))

    parts = tf.concat(two_replicas.run(replica).values, 0)
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)
    assert np.max(np.abs(whole - decoder(z, x))) > 0.1


@pytest.mark.parametrize(
    "settings", [{"word_keep": 0.5}, {"input_dropout": 0.5}, {"output_dropout": 0.5}]
)
def test_a_seed_makes_training_noise_and_none_makes_none(settings):
    make, x, z = NETWORKS["lstm-tanh"], sentences(6, 4), normal(2, Z)
    noisy, plain = text_decoder(make, **settings), text_decoder(make)
    np.testing.assert_array_equal(noisy(z, x), plain(z, x))
    np.testing.assert_array_equal(noisy(z, x, seed_of(1)), noisy(z, x, seed_of(1)))
    for other in (None, seed_of(2)):
        assert np.any(noisy(z, x, seed_of(1)) != noisy(z, x, other))


def test_dropout_of_the_inputs_leaves_z_alone():
    decoder = text_decoder(NETWORKS["lstm-zero"], input_dropout=0.99)
    decoder.embedding.embeddings.assign(tf.zeros([V, E]))  # nothing left to drop but z
    x, z = sentences(6, 4), normal(2, Z)
    np.testing.assert_array_equal(decoder(z, x, seed_of(1)), decoder(z, x))


@every_network
def test_half_precision_keeps_the_logits_in_float32(make):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half, x, z = text_decoder(make), sentences(6, 4), normal(2, Z)
    finally:
        keras.config.set_dtype_policy("float32")
    logits = half(z, x)
    assert half.network.compute_dtype == "bfloat16" and logits.dtype == tf.float32
    whole = text_decoder(make)
    np.testing.assert_array_equal(whole.output_layer.kernel, half.output_layer.kernel)
    assert (
        1e-5 < np.max(np.abs(logits - whole(z, x))) < 0.3
    )  # 8 bits of a product of 6 or 8 numbers
    state = half.begin(z)
    for t in range(6):
        step, state = half.step(state, z, shift_right(x)[:, t], tf.constant(t))
        assert step.dtype == tf.float32 == TOKENS.log_prob(logits, x).dtype
        np.testing.assert_allclose(step, logits[:, t], atol=0.1)
    assert half.generate(z, TOKENS, seed_of(1)).dtype == tf.int32


def test_refusals():
    with pytest.raises(UserError, match="word_keep must be a number from 0 to 1, got 1.5"):
        TextDecoder(V, 5, LSTMNetwork(3), E, word_keep=1.5)
    with pytest.raises(UserError, match="evaluate_word_keep must be None, 0 or 1, got 0.5"):
        TextDecoder(V, 5, LSTMNetwork(3), E, evaluate_word_keep=0.5)
    with pytest.raises(UserError, match="unknown initial_state"):
        LSTMNetwork(3, "relu")
    with pytest.raises(UserError, match="max_length 4 cannot read 6 tokens"):
        CausalTransformer(4, 1, 2, 4)(normal(1, 6, 3), normal(1, 2))
    with pytest.raises(UserError, match="CausalTransformer of max_length 4 cannot generate the 5"):
        TextDecoder(V, 5, CausalTransformer(4, 1, 2, 4), E)
    with pytest.raises(UserError, match="divide the width 4, got 3"):
        CausalTransformer(4, 1, 3, 4)(normal(1, 3, 3), normal(1, 2))
