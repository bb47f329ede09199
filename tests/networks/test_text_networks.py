"""Text networks: causal, generated as evaluated, blind to padding, noisy on demand only."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.networks import (
    AntiCausalTextEncoder,
    CausalTransformer,
    DilatedCNN,
    FlatTextEncoder,
    LSTMNetwork,
    PooledTextEncoder,
    TextDecoder,
    TextEncoder,
    beam_search,
    word_dropout,
)
from tfvae.networks.dropout import dropout
from tfvae.networks.text_encoders import SUMMARIES, pool
from tfvae.networks.tokens import END, PAD, START, UNKNOWN, lengths, shift_right
from tfvae.randomness import seed_of

V, E, Z = 9, 4, 2
NETWORKS = {
    "lstm-tanh": lambda: LSTMNetwork(6, "tanh"),
    "lstm-linear": lambda: LSTMNetwork(6, "linear"),
    "lstm-zero": lambda: LSTMNetwork(6, "zero"),
    "dilated": lambda: DilatedCNN(8, 6, (1, 2)),
    "transformer": lambda: CausalTransformer(8, 2, 2, 12),
}
every_network = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def _random(layer, scale=0.6, seed=0):
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * scale)
    return layer


def _normal(*shape, seed=1):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def _decoder(make, width=Z, vocabulary=V, max_length=7, **settings):
    decoder = TextDecoder(vocabulary, max_length, make(), E, **settings)
    decoder.build((None, width))
    return _random(decoder)


def _sentences(*sizes, length=None, seed=2):
    """Random sentences of these lengths, `</s>` included, padded."""
    rng = np.random.default_rng(seed)
    x = np.zeros((len(sizes), length or max(sizes)), np.int32)
    for row, size in zip(x, sizes):
        row[:size] = [*rng.integers(3, V, size - 1), END]
    return tf.constant(x)


def _reach(function, inputs):
    """[T, T']: the size of d output_t / d input_s, each output row weighted at random."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        out = function(inputs)
        rows = tf.unstack(tf.reduce_sum(out * _normal(*out.shape, seed=7), [0, 2]))
    gradients = [tape.gradient(row, inputs) for row in rows]
    return np.array([np.abs(g).sum((0, 2)) for g in gradients])


# ---------------------------------------------------------------- causal networks


@every_network
def test_a_feature_sees_its_own_and_earlier_inputs_only(make):
    network, inputs, z = make(), _normal(2, 6, E), _normal(2, Z)
    network(inputs, z)
    _random(network)
    reach = _reach(lambda i: network(i, z), inputs)
    assert np.all(reach[np.triu_indices(6, 1)] == 0)
    assert np.all(reach[np.tril_indices(6)] > 0)


@pytest.mark.parametrize("dilations, kernel_size", [((1, 2), 3), ((1, 3), 2), ((), 3)])
def test_the_receptive_field_of_the_dilated_network_is_exact(dilations, kernel_size):
    network, inputs = DilatedCNN(8, 6, dilations, kernel_size), _normal(2, 10, E)
    network(inputs, z := _normal(2, Z))
    _random(network)
    reach = _reach(lambda i: network(i, z), inputs)
    age = np.subtract.outer(np.arange(10), np.arange(10))
    field = network.receptive_field
    assert field == 1 + (kernel_size - 1) * sum(dilations) < 10
    assert np.all((reach > 0) == ((age >= 0) & (age < field)))


def test_receptive_fields_of_the_paper():
    """Yang et al. 2017: SCNN 15, MCNN 63, LCNN 125, VLCNN 187."""
    medium = (1, 2, 4, 8, 16)
    fields = [
        DilatedCNN(2, 2, d).receptive_field for d in ((1, 2, 4), medium, medium * 2, medium * 3)
    ]
    assert fields == [15, 63, 125, 187]


@every_network
def test_steps_with_a_cache_equal_the_parallel_pass(make):
    network, inputs, z = make(), _normal(3, 8, E), _normal(3, Z)
    network(inputs, z)
    whole = _random(network)(inputs, z)
    state = network.begin(z, 8)
    shapes = tf.nest.map_structure(lambda s: s.shape, state)
    for t in range(8):
        features, state = network.step(state, inputs[:, t], tf.constant(t))
        np.testing.assert_allclose(features, whole[:, t], atol=1e-5)
        assert tf.nest.map_structure(lambda s: s.shape, state) == shapes
    assert whole.shape[-1] == network.output_width


def test_first_states_of_the_lstm():
    z = _normal(3, Z)
    for kind in ("tanh", "linear", "zero"):
        network = LSTMNetwork(5, kind)
        network.build((None, None, E), (None, Z))
        h, c = _random(network).begin(z, 1)
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
    network = LSTMNetwork(16, "linear", initial_scale=0.01)
    network.build((None, None, 16), (None, 16))
    decoder = TextDecoder(50, 5, network, 14, initial_scale=0.01, embedding_scale=0.1)
    decoder.build((None, 2))
    encoder = TextEncoder(50, 14, 16, initial_scale=0.01, embedding_scale=0.1)
    encoder.build((None, None))
    for layer in (decoder, encoder):
        for weight in layer.weights:
            limit = 0.1 if "embeddings" in weight.path else 0.01
            assert 0.85 * limit < np.abs(weight).max() <= limit, weight.path
    kernels = [w.numpy() for w in network.weights if w.shape == (16, 64)]
    assert len(kernels) == 2 and not np.any(kernels[0] == kernels[1])


@pytest.mark.parametrize("kind", ["tanh", "linear"])
def test_second_derivatives_with_respect_to_z_pass_through_the_lstm(kind):
    """Hessian-vector products in float64 against central differences of the gradient."""
    network = LSTMNetwork(5, kind, dtype="float64")
    inputs, z = (tf.cast(_normal(2, *s), tf.float64) for s in ((4, E), (Z,)))
    network(inputs, z)
    _random(network)

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

    v = tf.cast(_normal(2, Z, seed=5), tf.float64)
    numeric = (gradient(z + 1e-5 * v) - gradient(z - 1e-5 * v)) / 2e-5
    assert np.abs(numeric).min() > 1e-3
    np.testing.assert_allclose(product(z, v), numeric, rtol=1e-6)


# ---------------------------------------------------------------- the decoder


def test_lengths_and_the_shift():
    x = _sentences(4, 2)
    np.testing.assert_array_equal(lengths(x), [4, 2])
    shifted = shift_right(x).numpy()
    assert np.all(shifted[:, 0] == START)
    np.testing.assert_array_equal(shifted[:, 1:], x[:, :-1])


@every_network
def test_the_decoder_never_sees_the_token_it_predicts_and_z_reaches_every_step(make):
    decoder, x, z = _decoder(make), _sentences(6), _normal(1, Z)
    embedded = decoder.embedding(shift_right(x))
    reach = _reach(lambda e: decoder.from_embeddings(z, e), embedded)
    assert np.all(reach[np.triu_indices(6, 1)] == 0)  # input s is token s - 1
    assert np.all(reach[np.tril_indices(6)] > 0)
    assert np.all(_reach(lambda z: decoder(z[0], x), z[None]) > 0)
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
    decoder = _decoder(make, width=0, vocabulary=6)
    probabilities = {}
    x = np.array(list(itertools.product(range(6), repeat=3)), np.int32)
    log_p = tf.nn.log_softmax(decoder(tf.zeros([len(x), 0]), tf.constant(x))).numpy()
    for tokens, row in zip(x, log_p):
        size = list(tokens).index(END) + 1 if END in tokens else 3
        probabilities[tuple(tokens[:size])] = row[np.arange(size), tokens[:size]].sum()
    assert np.exp(list(probabilities.values())).sum() == pytest.approx(1, abs=1e-5)


def test_latents_of_any_shape_are_flattened():
    decoder, x, z = _decoder(NETWORKS["lstm-tanh"], width=6), _sentences(5, 3), _normal(2, 3, 2)
    np.testing.assert_array_equal(decoder(z, x), decoder(tf.reshape(z, [2, 6]), x))
    assert decoder.data_shape == (None,)
    assert decoder(z, x).dtype == tf.float32


@every_network
def test_greedy_generation_is_the_repeated_argmax_of_the_parallel_pass(make):
    decoder, z = _decoder(make), _normal(8, Z) * 2
    tokens = decoder.generate(z, None, seed_of(0), greedy=True).numpy()
    expected = np.zeros((8, 7), np.int32)
    for t in range(7):
        logits = decoder(z, tf.constant(expected)).numpy()[:, t]
        logits[:, [PAD, START]] = -np.inf
        ended = np.any(expected == END, 1)
        expected[:, t] = np.where(ended, PAD, logits.argmax(-1))
    np.testing.assert_array_equal(tokens, expected)
    assert len(np.unique(tokens, axis=0)) > 1, "one sentence for all z would prove little"


def test_generation_stops_pads_and_is_a_function_of_its_seed():
    decoder, z = _decoder(NETWORKS["lstm-zero"], max_length=9), _normal(64, Z)
    calls = []
    tokens = decoder.generate(z, None, seed_of(1), progress=lambda *a: calls.append(a)).numpy()
    assert tokens.shape == (64, 9) and tokens.dtype == np.int32 and calls == [(9, 9)]
    assert not np.any(tokens == START)
    ends = np.any(tokens == END, 1)
    assert 0 < ends.sum() < 64
    for row in tokens:
        size = list(row).index(END) + 1 if END in row else 9
        assert np.all(row[:size] != PAD) and np.all(row[size:] == PAD)
    traced = tf.function(
        lambda z, s: decoder.generate(z, None, s),
        input_signature=[tf.TensorSpec([None, Z]), tf.TensorSpec([2], tf.int32)],
    )
    np.testing.assert_array_equal(traced(z, seed_of(1)), tokens)
    assert np.any(decoder.generate(z, None, seed_of(2)) != tokens)


@pytest.mark.statistical
def test_sampled_tokens_follow_the_softmax():
    """First token, and second given first: chi-square with 6 degrees of freedom, N = 20000 rows.

    Words 2, 3 and 4 of a vocabulary of 5 can be drawn. Threshold 22.46: false-fail rate 0.1 % (for
    a new seed; the seed is fixed).
    """
    decoder = _decoder(NETWORKS["lstm-tanh"], vocabulary=5, max_length=2)
    z = tf.repeat(_normal(1, Z), 20000, axis=0)
    tokens = decoder.generate(z, None, seed_of(3)).numpy()
    statistic = 0.0
    for first in (None, 3, 4):
        at = 0 if first is None else 1
        drawn = tokens[:, at] if first is None else tokens[tokens[:, 0] == first, 1]
        logits = decoder(z[:1], [[first or 0, 0]]).numpy()[0, at, 2:]
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
    x = tf.constant([[START, 5, END, PAD, PAD]])
    np.testing.assert_array_equal(word_dropout(x, 0.0, None), [[START, 3, 3, PAD, PAD]])
    np.testing.assert_array_equal(word_dropout(x, 1.0, None), x)
    with pytest.raises(UserError, match="seed"):
        word_dropout(x, 0.5, None)


def test_the_inputless_decoder_knows_the_length_and_z_only():
    decoder, z = _decoder(NETWORKS["dilated"], word_keep=0.0), _normal(2, Z)
    x, other = _sentences(6, 4), _sentences(6, 4, seed=9)
    assert np.any(x != other)
    for seed in (None, seed_of(1)):
        np.testing.assert_array_equal(decoder(z, x, seed), decoder(z, other, seed))
    seen = _decoder(NETWORKS["dilated"], word_keep=0.0, evaluate_word_keep=1)
    assert np.any(seen(z, x) != seen(z, other))
    # generation reads what evaluation reads: every step is the argmax given z alone
    tokens = decoder.generate(z, None, None, greedy=True).numpy()
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
    x = tf.fill([4, 30], 7)
    whole = word_dropout(x, 0.5, seed_of(6))
    parts = two_replicas.run(lambda: word_dropout(x[:2], 0.5, seed_of(6))).values
    np.testing.assert_array_equal(tf.concat(parts, 0), whole)


@pytest.mark.parametrize(
    "settings", [{"word_keep": 0.5}, {"input_dropout": 0.5}, {"output_dropout": 0.5}]
)
def test_a_seed_makes_training_noise_and_none_makes_none(settings):
    make, x, z = NETWORKS["lstm-tanh"], _sentences(6, 4), _normal(2, Z)
    noisy, plain = _decoder(make, **settings), _decoder(make)
    np.testing.assert_array_equal(noisy(z, x), plain(z, x))
    np.testing.assert_array_equal(noisy(z, x, seed_of(1)), noisy(z, x, seed_of(1)))
    for other in (None, seed_of(2)):
        assert np.any(noisy(z, x, seed_of(1)) != noisy(z, x, other))


def test_dropout_of_the_inputs_leaves_z_alone():
    decoder = _decoder(NETWORKS["lstm-zero"], input_dropout=0.99)
    decoder.embedding.embeddings.assign(tf.zeros([V, E]))  # nothing left to drop but z
    x, z = _sentences(6, 4), _normal(2, Z)
    np.testing.assert_array_equal(decoder(z, x, seed_of(1)), decoder(z, x))


def test_refusals():
    with pytest.raises(UserError, match="word_keep must be a number from 0 to 1, got 1.5"):
        TextDecoder(V, 5, LSTMNetwork(3), E, word_keep=1.5)
    with pytest.raises(UserError, match="evaluate_word_keep must be None, 0 or 1, got 0.5"):
        TextDecoder(V, 5, LSTMNetwork(3), E, evaluate_word_keep=0.5)
    with pytest.raises(UserError, match="unknown summary 'lst'; did you mean last"):
        TextEncoder(V, E, 3, "lst")
    with pytest.raises(UserError, match="unknown initial_state"):
        LSTMNetwork(3, "relu")
    with pytest.raises(UserError, match="length 5, got length 6"):
        FlatTextEncoder(V, 5)(_sentences(6))
    with pytest.raises(UserError, match="max_length 4 cannot read 6 tokens"):
        CausalTransformer(4, 1, 2, 4)(_normal(1, 6, 3), _normal(1, 2))
    with pytest.raises(UserError, match="divide the width 4, got 3"):
        CausalTransformer(4, 1, 3, 4)(_normal(1, 3, 3), _normal(1, 2))
    with pytest.raises(UserError, match="1 or more, got 0"):
        beam_search(_decoder(NETWORKS["lstm-zero"]), _normal(1, Z), 0)


# ---------------------------------------------------------------- beam search


def _log_prob(decoder, z, tokens):
    log_p = tf.nn.log_softmax(decoder(z, tokens))
    taken = tf.gather(log_p, tokens, batch_dims=2)
    return tf.reduce_sum(tf.where(tokens != PAD, taken, 0.0), 1).numpy()


@every_network
def test_a_beam_of_one_is_greedy_generation(make):
    decoder, z = _decoder(make), _normal(16, Z) * 2
    tokens, log_p = beam_search(decoder, z, 1)
    np.testing.assert_array_equal(tokens, decoder.generate(z, None, None, greedy=True))
    np.testing.assert_allclose(log_p, _log_prob(decoder, z, tokens), rtol=1e-5)


def _all_sentences():
    """The 40 sentences that 4 words to draw and 3 steps allow, padded."""
    found = {}
    for tokens in itertools.product((2, 3, 4, 5), repeat=3):
        size = tokens.index(END) + 1 if END in tokens else 3
        found[tokens[:size] + (PAD,) * (3 - size)] = None
    return tf.constant(list(found))


def test_a_wide_beam_finds_the_best_of_all_sentences():
    decoder, z = _decoder(NETWORKS["lstm-tanh"], vocabulary=6, max_length=3), _normal(20, Z) * 3
    sentences = _all_sentences()
    assert len(sentences) == 40
    everywhere = [_log_prob(decoder, tf.repeat(c[None], 40, 0), sentences) for c in z]
    tokens, log_p = beam_search(decoder, z, 64)
    np.testing.assert_allclose(log_p, np.max(everywhere, 1), rtol=1e-5)
    np.testing.assert_array_equal(tokens, tf.gather(sentences, np.argmax(everywhere, 1)))
    greedy = decoder.generate(z, None, None, greedy=True)
    assert np.any(tokens != greedy), "a problem that greedy generation solves would prove little"


def _plain_beam(decoder, z, width):
    """The same search, one hypothesis at a time."""
    live, done = [((), 0.0)], []
    for _ in range(decoder.max_length):
        found = []
        for words, score in live:
            x = tf.constant([[*words, 0]], tf.int32)
            log_p = tf.nn.log_softmax(decoder(z, x)).numpy()[0, len(words)]
            found += [((*words, w), score + log_p[w]) for w in range(2, decoder.vocabulary_size)]
        best = sorted(found, key=lambda h: -h[1])[: width - len(done)]
        done += [h for h in best if h[0][-1] == END]
        live = [h for h in best if h[0][-1] != END]
    words, score = max(done + live, key=lambda h: h[1])
    return [*words, *[PAD] * (decoder.max_length - len(words))], score


def test_the_beam_shrinks_by_every_hypothesis_that_ends():
    decoder, z = _decoder(NETWORKS["lstm-tanh"], vocabulary=6, max_length=5), _normal(12, Z) * 2
    for width in (2, 3):
        tokens, log_p = beam_search(decoder, z, width)
        plain = [_plain_beam(decoder, z[i : i + 1], width) for i in range(12)]
        np.testing.assert_array_equal(tokens, [p[0] for p in plain])
        np.testing.assert_allclose(log_p, [p[1] for p in plain], rtol=1e-5)


# ---------------------------------------------------------------- encoders

ENCODERS = {
    **{s: lambda s=s: TextEncoder(V, E, 5, s) for s in SUMMARIES},
    "anti-causal": lambda: AntiCausalTextEncoder(V, E, 5, 3),
    "pooled": lambda: PooledTextEncoder(V, 6, (7, 5)),
    "flat": lambda: FlatTextEncoder(V, 6, (7, 5)),
}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)


@every_encoder
def test_encoders_know_their_features_shape_beforehand(make):
    encoder = make()
    encoder.build((None, None))
    spec = encoder.compute_output_spec(keras.KerasTensor((None, None), dtype="int32"))
    assert spec.shape[0] is None
    features = encoder(_sentences(6, 3))
    assert features.shape[1:] == spec.shape[1:] and features.dtype == spec.dtype
    assert np.all(np.isfinite(encoder(tf.zeros([1, 6], tf.int32)))), "nothing but padding"


@pytest.mark.parametrize("name", [n for n in ENCODERS if n != "flat"])
def test_padding_changes_no_feature(name):
    encoder, x = ENCODERS[name](), _sentences(6, 3, 1)
    encoder.build((None, None))
    _random(encoder)
    features = encoder(x)
    padded = tf.pad(x, [[0, 0], [0, 4]])
    np.testing.assert_allclose(encoder(padded), features, atol=1e-6)
    assert len(np.unique(np.round(features, 4), axis=0)) == 3


def test_pooling_by_hand_and_padding_is_excluded_where_all_states_are_negative():
    states = -np.abs(np.random.default_rng(0).normal(size=(2, 5, 3))).astype("float32")
    states[0, :, 0] *= -1
    states[0, 3:] = states[1, 4:] = 0
    real = [states[0, :3], states[1, :4]]
    length = tf.constant([3, 4])
    expected = {
        "last": [r[-1] for r in real],
        "max": [r.max(0) for r in real],
        "mean": [r.mean(0) for r in real],
        "abs_max": [r[np.abs(r).argmax(0), np.arange(3)] for r in real],
    }
    assert np.all(expected["max"][1] < 0)
    for summary, value in expected.items():
        np.testing.assert_allclose(pool(states, length, summary), value, rtol=1e-6)


@pytest.mark.parametrize("summary", ["max", "mean", "abs_max"])
def test_pooling_is_of_a_set(summary):
    states = _normal(1, 6, 5)
    shuffled = tf.concat([tf.gather(states[:, :4], [2, 0, 3, 1], axis=1), states[:, 4:]], 1)
    ours, theirs = (pool(s, tf.constant([4]), summary) for s in (states, shuffled))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert np.any(np.abs(pool(states, tf.constant([5]), summary) - ours) > 1e-3)


@pytest.mark.parametrize("size, positions", [(7, 3), (7, 7), (2, 4), (1, 2)])
def test_a_position_of_the_anti_causal_encoder_knows_nothing_before_its_token(size, positions):
    encoder = AntiCausalTextEncoder(V, E, 5, positions)
    encoder.build((None, None))
    _random(encoder)
    embedded = _normal(1, 9, E)
    reach = _reach(lambda e: encoder.from_embeddings(e, tf.constant([size])), embedded)
    for i in range(positions):
        seen = (np.arange(9) >= i * size // positions) & (np.arange(9) < size)
        np.testing.assert_array_equal(reach[i] > 0, seen)


# ---------------------------------------------------------------- serialisation


def _again(layer, *inputs):
    out = layer(*inputs)
    copy = layer.__class__.from_config(layer.get_config())
    assert str(copy.get_config()) == str(layer.get_config())
    copy(*inputs)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(*inputs), out)


@every_encoder
def test_encoders_survive_their_config(make):
    _again(make(), _sentences(6, 3))


@every_network
def test_networks_and_decoders_survive_their_config_and_a_keras_file(make, tmp_path):
    _again(make(), _normal(2, 6, E), _normal(2, Z))
    settings = {"word_keep": 0.0, "output_bias": True, "evaluate_word_keep": 1}
    decoder, z, x = _decoder(make, **settings), _normal(2, Z), _sentences(6, 3)
    _again(decoder, z, x)
    inputs = keras.Input((Z,)), keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, decoder(*inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([z, x]), model([z, x]))
