"""Every model of the zoo trains on what it is for; remedies combine; impossible pairs are named."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.zoo.points import value
from tfvae.checks import UserError
from tfvae.procedures import MAIN, Stage, encoder_variables
from tfvae.randomness import seed_of
from zoo import datasets, models
from zoo.command import assemble, plan, run
from zoo.modalities import images, text

WORDS = text.Space(30, 9)
BITS = images.Space((8, 8, 1), 1)
MEMORY = {"acn": {"memory_size": 32, "transition_units": 8}}
LOOPS = {"aggressive_vae": {"inner_steps": 2}, "sa_vae": {"svi_steps": 2}}  # tracing takes long
TINY = {"size": "tiny", "train_steps": 20, "batch_size": 8}
SMALL_TEXT = {"embedding_width": 8, "units": 8}
# on text its decoder is `lm`; real numbers; pseudo-inputs of real numbers; decoders of images
IMAGES_ONLY = {"pixelcnn", "linear_vae", "vamp_vae", "skip_vae", "lid_vae"}
TEXT_ONLY = {"lm", "pooled_vae", "cnn_vae", "bow_vae"}


OWN_BACKBONE = {"delta_vae": "gated_pixelcnn", "pixelcnn": "gated_pixelcnn", "lid_vae": "injective"}


def _sentences(number=32, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(4, 30, (number, 9)).astype("int32")
    for row, length in zip(x, rng.integers(1, 9, number)):
        row[length], row[length + 1 :] = 2, 0
    return x


def _digits(number=32, seed=0):
    return np.random.default_rng(seed).integers(0, 2, (number, 8, 8, 1)).astype("float32")


def _train(name, dataset, **given):
    """One epoch of 4 steps; the logs."""
    if dataset == "pydoc":
        model = zoo.build(name, "pydoc", WORDS, **TINY, **{**SMALL_TEXT, **given})
        x = _sentences()
    else:
        model = zoo.build(name, dataset, BITS, **TINY, **given)
        x = _digits()
    main = getattr(model.procedure, "main", model.procedure)
    if hasattr(main, "information"):  # validation data, which a bare build has not
        main.information = lambda model: 1.0
    beside = None if model.condition is None else np.arange(len(x))
    logs = model.fit(x, beside, batch_size=8, verbose=0, shuffle=False).history
    measured = model.evaluate(x, verbose=0, return_dict=True)
    assert np.isfinite(list(measured.values())).all()
    return model, logs


def _at_home(dataset, names):
    """Each model on the kind of data that is its default; on the other kind by hand."""
    for name in sorted(names):
        home = models.load(name).defaults.dataset
        here = datasets.modality(home) == datasets.modality(dataset)
        yield pytest.param(name, marks=[] if here else [pytest.mark.slow])


@pytest.mark.parametrize("name", _at_home("pydoc", set(models.names()) - IMAGES_ONLY))
def test_every_model_trains_on_text(name):
    model, _ = _train(name, "pydoc", **LOOPS.get(name, {}), **MEMORY.get(name, {}))
    assert model.sample(3).shape == (3, 9)


@pytest.mark.parametrize("name", _at_home("digits", set(models.names()) - TEXT_ONLY))
def test_every_remedy_trains_on_images_too(name):
    more = {"backbone": OWN_BACKBONE.get(name, "mlp")}
    more |= {"decoder_filters": 8, "decoder_layers": 2}
    _train(name, "digits", **more, **LOOPS.get(name, {}), **MEMORY.get(name, {}))


def _by_hand(*values):
    """Three updates to trace; any two words are tried by tests/conformance/test_pairs.py."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        _by_hand("aggressive_vae", {"rate_weight": "cyclical", "inner_steps": 2}),
        (
            "aggressive_vae",
            {
                "rate_budget": "free_bits",
                "free_bits": 0.5,
                "rate_weight": "sigmoid",
                "inner_steps": 2,
            },
        ),
        _by_hand("aggressive_vae", {"prior": "ar1", "encoder": "anti_causal", "inner_steps": 2}),
        _by_hand("aggressive_vae", {"rate_budget": "target_rate", "inner_steps": 2}),
        _by_hand("aggressive_vae", {"terms": "+bag_of_words", "inner_steps": 2}),
        _by_hand(
            "aggressive_vae", {"inference": "semi_amortised", "svi_steps": 1, "inner_steps": 2}
        ),
        ("pooled_vae", {"rate_budget": "free_bits", "terms": "+cosine", "rate_weight": "cyclical"}),
        (
            "sa_vae",
            {"rate_budget": "free_bits", "word_keep": 0.5, "svi_gradient": "finite_difference"},
        ),
        ("bow_vae", {"bound": "many_samples", "prior": "ar1", "num_samples": 3}),
        ("delta_vae", {"encoder": "max", "rate_weight": "linear", "latent_positions": 4}),
        ("delta_vae", {"beta": 0.5, "terms": "+bag_of_words", "rate_budget": None}),
        ("cnn_vae", {"prior": "ar1", "dilations": (1, 2), "kernel_size": 2}),
        ("bow_vae", {"backbone": "transformer", "units": 8, "decoder_layers": 1}),
        _by_hand(
            "aggressive_vae", {"terms": "+mmd,+density_ratio", "mmd_weight": 5.0, "inner_steps": 2}
        ),
    ],
    ids=str,
)
def test_remedies_combine(name, given):
    _train(name, "pydoc", **given)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        (
            "free_bits_vae",
            {"capacity": 2.0},
            "capacity belongs to rate_budget=capacity, and this model has rate_budget=free_bits",
        ),
        (
            "cyclical_vae",
            {"rate_budget": "target_rate"},
            "rate_budget=target_rate leaves no rate_weight, and here is rate_weight=cyclical",
        ),
        (
            "beta_vae",
            {"rate_budget": "target_distortion", "beta": 0.4},
            "beta belongs to rate_weight=constant .*target_distortion, which leaves no rate_weight",
        ),
        (
            "vae",
            {"rate_weight": "constant", "rate_budget": "capacity"},
            "capacity leaves no rate_weight, and here is rate_weight=constant: take one of them",
        ),
        (
            "vae",
            {"inference": "semi_amortised", "rate_budget": "capacity"},
            "semi_amortised leaves no rate_budget, and here is rate_budget=capacity: take one of them",
        ),
        (
            "sa_vae",
            {"stages": "+auxiliary_prior", "code": "sequence"},
            "auxiliary_prior needs .*encoder proposes, .*inference=semi_amortised: take .*=amortised",
        ),
        (
            "aggressive_vae",
            {"kept_weights": "average"},
            "procedure=aggressive and kept_weights=average both decide how many optimizers there are",
        ),
        (
            "vae",
            {"encoder": "flat"},
            "encoder=flat needs sentences of one length, and text has none",
        ),
        (
            "vamp_vae",
            {},
            "prior=vamp needs an encoder of numbers, which may be moved a little, and text has none",
        ),
        ("lm", {"beta": 0.5}, "beta belongs to .*posterior=none, which leaves no rate_weight"),
    ],
    ids=str,
)
def test_impossible_pairs_are_refused_by_name(name, given, says):
    with pytest.raises(UserError, match=says):
        zoo.build(name, "pydoc", WORDS, **TINY, **SMALL_TEXT, **given)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        (
            "vae",
            {"prior": "label"},
            "prior=label needs a model that is told labels.* condition=labels or "
            "condition=guessed_labels$",
        ),
        (
            "vq_vae",
            {"rate_budget": "free_bits"},
            "posterior=vq leaves no rate_budget, and here is rate_budget=free_bits",
        ),
        (
            "vq_vae",
            {"procedure": "aggressive"},
            "procedure=aggressive needs a posterior whose density is known of every z",
        ),
        (
            "delta_vae",
            {"condition": "labels", "prior": "label", "latent_grid": (2, 2), "code": "sequence"},
            "auxiliary_prior needs a prior that can be fitted anew .* has prior=label",
        ),
        ("acn", {}, "needs a memory as large as the training set: say memory_size="),
        (
            "acn",
            {"memory_size": 99, "condition": "labels"},
            "prior=neighbour leaves no condition, and here is condition=labels",
        ),
        ("acn", {"memory_size": 99, "terms": "+mmd"}, "mmd needs one prior .* has prior=neighbour"),
        ("vq_vae", {"stages": "+moments"}, "stages=moments needs a posterior with a density"),
        ("vq_vae", {"stages": "+pretrain"}, "stages=pretrain needs a posterior with a density"),
        (
            "vq_vae",
            {"kept_weights": "average"},
            "needs weights that the optimizer alone .*posterior=vq",
        ),
        (
            "vq_vae",
            {"terms": "+adversary", "adversary_offset": True},
            "terms=adversary needs a prior of real numbers, .*prior=uniform",
        ),
        (
            "vq_vae",
            {"prior": "vamp"},
            "posterior=vq needs a prior of codes, and this model has prior=vamp",
        ),
        (
            "vamp_vae",
            {"condition": "labels"},
            "prior=vamp leaves no condition, and here is condition=labels",
        ),
        (
            "hvae",
            {"inference": "semi_amortised"},
            "needs a posterior whose mean and scale .* has posterior=ladder",
        ),
        (
            "hvae",
            {"terms": "+total_correlation"},
            "needs a posterior of independent numbers.*, .* has posterior=ladder",
        ),
        (
            "hvae",
            {"stages": "+auxiliary_prior"},
            "a prior that can be fitted anew afterwards, which posterior=ladder does not leave",
        ),
        ("hvae", {"code": "sequence"}, "posterior=ladder needs a latent of one vector"),
        ("hvae", {"lower_widths": ()}, "lower_widths"),
        ("vamp_vae", {"num_pseudo_inputs": 0}, "num_pseudo_inputs.* from 1"),
        (
            "vamp_vae",
            {"pseudo_inputs": "examples"},
            "pseudo_inputs=examples needs the training data",
        ),
        (
            "vamp_vae",
            {"pseudo_inputs": "from_examples", "pseudo_mean": 0.3},
            "pseudo_mean=0.3 has no effect: it belongs to pseudo_inputs=learned",
        ),
        (
            "vamp_vae",
            {"stages": "+auxiliary_prior"},
            "auxiliary_prior needs a prior that can be fitted anew .* has prior=vamp",
        ),
        ("wae_mmd", {"batch_size": 1}, "terms=mmd needs a batch of more than one example"),
        (
            "wae_mmd",
            {"condition": "labels", "prior": "label"},
            "needs one prior for all examples, and this model has prior=label",
        ),
        (
            "flow_vae",
            {"terms": "total_correlation"},
            "total_correlation needs a posterior of independent .*, .*posterior=iaf: take .*=gaussian",
        ),
        (
            "flow_vae",
            {"inference": "semi_amortised", "posterior": "planar"},
            "semi_amortised needs a posterior whose mean and scale .* has posterior=planar",
        ),
        (
            "flow_vae",
            {"procedure": "aggressive"},
            "aggressive needs a posterior whose density is known of every z, .* has posterior=iaf",
        ),
        (
            "flow_vae",
            {"prior": "ar1", "posterior": "coupling"},
            "prior=ar1 needs a posterior of independent numbers, .* has posterior=coupling",
        ),
        (
            "flow_vae",
            {"stages": "+auxiliary_prior"},
            "auxiliary_prior needs a prior that can be fitted anew .* has prior=maf",
        ),
        (
            "flow_vae",
            {"posterior": "coupling", "latent_width": 1},
            "coupling flow needs z of 2 num",
        ),
        (
            "flow_vae",
            {"iaf_scale_bound": 1.0},
            "belongs to iaf_scale=bounded, and here iaf_scale is gated",
        ),
        ("vq_vae", {"prior": "maf"}, "posterior=vq needs a prior of codes, .* has prior=maf"),
        (
            "vae",
            {"prior": "maf", "maf_units": 65536, "maf_layers": 16},
            "maf_units=65536 .* GiB, and",
        ),
        (
            "vae",
            {"stages": "+auxiliary_prior,+auxiliary_maf"},
            "both decide which prior is fitted afterwards: take one of them",
        ),
        (
            "wae_gan",
            {"stages": "+pretrain"},
            "stages=moments and stages=pretrain both decide where the encoder starts",
        ),
        (
            "hsic_vae",
            {"latent_width": 4, "hsic_groups": (3, 2)},
            r"must be of the 4 numbers of z, got widths \[3, 2\]",
        ),
        ("hsic_vae", {"latent_width": 1}, "must be of the 1 numbers of z, got 2"),
        (
            "hsic_vae",
            {"hsic_between": "label", "hsic_groups": (3, 2)},
            "belongs to hsic_between=groups",
        ),
        (
            "mae_vae",
            {"posterior": "iaf"},
            "posterior_divergence needs a posterior of independent numbers",
        ),
        (
            "bn_vae",
            {"inference": "semi_amortised"},
            "batch_normalised needs the posterior that the encoder proposes",
        ),
        ("bn_vae", {"batch_size": 1}, "batch_normalised needs a batch of more than one example"),
        (
            "bn_vae",
            {"kept_weights": "average"},
            "average needs weights that the optimizer alone moves",
        ),
        ("dip_vae", {"batch_size": 1}, "covariance needs a batch of more than one example"),
        (
            "contrastive_vae",
            {"posterior": "iaf"},
            "contrastive needs a posterior of independent numbers",
        ),
        (
            "wae_mmd",
            {"inference": "semi_amortised"},
            "semi_amortised needs a posterior whose mean and scale .* has posterior=fixed_scale",
        ),
    ],
)
def test_pairs_of_codes_labels_and_scales_are_refused_by_name(name, given, says):
    with pytest.raises(UserError, match=says):
        zoo.build(name, "digits", BITS, **{**TINY, **given})


@pytest.mark.parametrize(
    ("name", "given"), [("vae", {"prior": "label"}), ("vq_vae", {"label_width": 3})]
)
def test_labels_reach_a_model_of_the_zoo(name, given):
    given = {"backbone": "deconvolutional", "decoder_filters": 8, **given}
    model = zoo.build(name, "digits", BITS, **TINY, condition="labels", **given)
    x, y = _digits(), np.arange(len(_digits())) % 10
    model.fit(x, y, batch_size=8, verbose=0)
    assert np.isfinite(list(model.evaluate(x, y, verbose=0, return_dict=True).values())).all()
    assert model.sample(3, label=7).shape == (3, 8, 8, 1)
    with pytest.raises(
        UserError, match="condition=labels needs data with labels, and images has none"
    ):
        zoo.build(name, "sprites", **TINY, condition="labels")


def _on_examples(dataset, x, space, **given):
    resolved = plan.resolve("vamp_vae", (), given, dataset=dataset, space=space, **TINY)
    made_for = run.context(resolved, space, len(x), examples=lambda n: x[:n])
    model = assemble.model(models.load("vamp_vae"), made_for)
    model.build()
    return model


def test_pseudo_inputs_that_are_training_examples():
    """Sentences too, where they are held; numbers are moved by a hundredth of their range where not."""
    x = _digits()
    held = _on_examples("digits", x, BITS, pseudo_inputs="examples", num_pseudo_inputs=20)
    np.testing.assert_array_equal(held.latent.prior.inputs(), x[:20])
    near = _on_examples("digits", x, BITS, pseudo_inputs="from_examples", num_pseudo_inputs=20)
    u = near.latent.prior.pseudo_inputs.numpy()
    assert np.std(u - x[:20]) == pytest.approx(0.01, rel=0.1)
    assert np.abs(near.latent.prior.inputs()).max() == 1.0
    assert (
        len(near.latent.prior.trainable_variables) == 1
        and not held.latent.prior.trainable_variables
    )
    x = _sentences()
    words = _on_examples(
        "pydoc", x, WORDS, pseudo_inputs="examples", num_pseudo_inputs=7, **SMALL_TEXT
    )
    q = words.posterior(x[:7]).distribution  # as long as the longest, all of them
    z = tf.zeros([1, words.latent.event_shape[0]])
    nats = tf.reduce_sum(q.log_prob(z), -1)
    np.testing.assert_allclose(
        words.log_prior(z)[0], tf.reduce_logsumexp(nats) - np.log(7), rtol=1e-5
    )
    np.testing.assert_array_equal(words.latent.prior.inputs(), x[:7])
    assert words.latent.prior.pseudo_inputs.dtype == "int32"
    given = {"pseudo_inputs": "examples", "num_pseudo_inputs": 33}
    with pytest.raises(UserError, match="must be at most the 32 training examples, got 33"):
        _on_examples("digits", _digits(), BITS, **given)


def test_the_encoder_of_a_wae_is_first_brought_to_the_moments_of_the_prior():
    """Codes that begin 3 away, and far less wide than the prior, of which the kernels see little."""
    resolved = plan.resolve("wae_mmd", dataset="digits", backbone="mlp", batch_size=64)
    assert value(resolved.point, "moment_steps") == 200
    keras.utils.set_random_seed(0)
    made_for = run.context(resolved, BITS)
    described = models.load("wae_mmd")
    model = assemble.model(described, made_for)
    model.build()
    x = _digits(256)
    _, bias = (v for v in model.latent.posterior.trainable_variables)
    bias.assign_add(tf.fill(bias.shape, 3.0))
    stages = assemble.stages(described, made_for, model)
    first = next(stages)
    assert (first.name, first.steps, first.batch_size) == ("moments", 200, 64)  # no data are known
    model.compile(procedure=first.procedure)
    model.fit(x, batch_size=64, epochs=50, verbose=0)
    assert 10 < int(first.procedure.step.numpy()) < 100  # it ends where the distance is below 0.1
    code = model.draw(x, seed_of(0)).z.numpy()
    # 64 draws of the prior have means of variance 1/64; over 8 numbers 0.1 is beyond 1e-6
    assert np.mean(code.mean(0) ** 2) < 0.1 and np.mean((np.cov(code.T) - np.eye(8)) ** 2) < 0.1
    slots = first.procedure.update.optimizer.variables[2:]  # after the step and the learning rate
    assert len(slots) == 2 * len(encoder_variables(model)) < 2 * len(model.trainable_variables)
    main = next(stages)
    assert main.name == "train" and main.batch_size is None
    for stage in (first, main):
        assert stage.procedure.update.optimizer.beta_1 == 0.5


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [("wae_gan", {}, "adversary"), ("info_vae", {"stages": "+pretrain"}, "mmd")],
)
def test_fit_of_a_built_model_is_its_main_stage(name, given, says):
    model = zoo.build(name, "digits", BITS, backbone="mlp", **TINY, **given)
    procedure = getattr(model.procedure, "main", model.procedure)
    assert says in procedure.update.objective.terms


def test_what_the_main_stage_refuses_is_refused_before_the_stages_before_it():
    values = {"stages": "+moments", "procedure": "aggressive", "inner_steps": 2, "window": 9}
    resolved = plan.resolve("vae", (), values, dataset="digits", backbone="mlp")
    made_for, described = run.context(resolved, BITS), models.load("vae")
    model = assemble.model(described, made_for)
    with pytest.raises(UserError, match="window=9 has no effect: it must be at most inner_steps=2"):
        next(assemble.stages(described, made_for, model))


def test_one_stage_is_the_main_one():
    stages = [Stage(name, None, None, 1) for name in ("before", MAIN, "after")]
    assert run.main_of(iter(stages)) is stages[1]
    with pytest.raises(UserError, match=r"must be named 'train', got \['before'\]"):
        run.main_of(iter(stages[:1]))


@pytest.mark.parametrize(
    "name",
    [
        "wae_mmd",
        "info_vae",
        "beta_tcvae",
        "factor_vae",
        "wae_gan",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("dip_vae", "hsic_vae", "mae_vae", "contrastive_vae", "bn_vae")
        ),
    ],
)
def test_an_epoch_may_end_with_a_batch_of_one(name):
    model = zoo.build(name, "digits", BITS, backbone="mlp", **TINY)
    logs = model.fit(_digits(17), batch_size=8, verbose=0).history
    assert np.isfinite([value for values in logs.values() for value in values]).all()


def test_a_term_of_text_is_refused_on_images():
    with pytest.raises(
        UserError, match="terms=bag_of_words needs data of words, and images has none"
    ):
        zoo.build("vae", "digits", BITS, **TINY, terms="+bag_of_words")
