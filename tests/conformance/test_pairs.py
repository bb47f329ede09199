"""Any model with any two words: refused in one line, or it trains and both words change something."""

import dataclasses
import random

import keras
import numpy as np
import pytest

import zoo
from tfvae import parts
from tfvae.checks import UserError
from zoo import models
from zoo.command import plan
from zoo.modalities import images, text

STEPS = 5
SPACES = {"digits": images.Space((8, 8, 1), 1), "pydoc": text.Space(20, 6)}
QUICK = {
    "acn": {"memory_size": 16},
    "aggressive_vae": {"inner_steps": 2},
    "sa_vae": {"svi_steps": 2},
}
# read before or after a training of some steps, or only under a longer one
LATER = {
    "learning_rate_cycles", "plateau_patience", "plateau_reference", "plateau_start", "plateau_falls",
    "patience", "check_every", "information_examples", "information_batch_size", "aggressive_steps",
    "stopping", "window", "auxiliary_steps", "auxiliary_learning_rate", "auxiliary_filters",
    "auxiliary_layers", "auxiliary_components", "moment_steps", "moment_points", "pretrain_steps",
    "vocabulary_size", "min_count", "max_length", "memory_size", "image_size", "image_colour",
    "free_rate", "free_rate_tolerance", "free_rate_change",  # read once the rate has come down to them
    "decoder_kernel",  # another than 3 is 5, and 3 is the size's own
    "target_rate", "target_distortion",  # far from them a dual's weight moves by as much as it may
    "dual_warm_up", "revive_below", "clip_norm", "svi_clip_norm", "own_code", "cycles", "ema_decay",
    "maf_scale_bound",  # of a step that begins at 0
}  # fmt: skip
WHOLE_RUNS = {"stages", "kept_weights", "learning_rate_schedule", "on_collapse", "data"}


def _parts(kind):
    """(the word that takes it, the part) of all parts of this kind of data."""
    for place in parts.PLACES.values():
        for name, cls in parts.choices(place.name, kind).items():
            if cls.__module__.startswith(("tfvae.", "zoo.")) and place.name != "backbone":
                yield (place.name, f"+{name}" if place.many else name), cls


def _settings(cls):
    """(name, another value than the usual one) of its settings."""
    fields = [f for f in dataclasses.fields(cls) if f.metadata["range"] is not None]
    return [(f"{cls.name}.{f.name}", _other(f)) for f in fields]


def _other(f):
    """A value that is not the usual one."""
    within, usual = f.metadata["range"], f.default
    if within["choices"]:
        return next((c for c in within["choices"] if c != usual), usual)
    if isinstance(usual, bool):
        return not usual
    if isinstance(usual, tuple) or f.name == "latent_grid":
        return ((2, 2) if "int" in str(f.type) else (0.5,)) if not usual else usual[:1]
    if isinstance(usual, float) or "float" in str(f.type):
        low, high = within["low"], within["high"]
        wanted = 0.7 if usual is None else usual * 0.7 if usual else 0.3
        return max(wanted, low or wanted) if high is None else min(max(wanted, low or 0), high)
    return max(within["low"] or 1, 3 if usual in (None, 2) else 2)


def _trained(name, dataset, given):
    """The weights after some steps."""
    model = zoo.build(
        name, dataset, SPACES[dataset], size="tiny", batch_size=4, train_steps=20, **given
    )
    rng = np.random.default_rng(0)
    if dataset == "pydoc":
        x = rng.integers(4, 20, (4 * STEPS, 6)).astype("int32")
        x[:, -1] = 2
    else:
        x = rng.integers(0, 2, (4 * STEPS, 8, 8, 1)).astype("float32")
    main = getattr(model.procedure, "main", model.procedure)
    if hasattr(main, "information"):
        main.information = lambda model: 1.0
    beside = getattr(model.condition, "beside", None)
    beside = (
        None if model.condition is None else np.arange(len(x)) % (10 if beside != "index" else 99)
    )
    model.fit(x, beside, batch_size=4, verbose=0, shuffle=False)
    return [np.asarray(v.value) for v in model.variables]


def _same(one, two):
    return len(one) == len(two) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two)
    )


def _draw(seed):
    """A model, data, and two words: parts, settings of these, settings of what the model has."""
    rng = random.Random(seed)
    name = rng.choice(models.names())
    dataset = rng.choice(["digits", "pydoc"])
    every = list(_parts({"digits": "images", "pydoc": "text"}[dataset]))
    try:
        held = list(plan.resolve(name, dataset=dataset).point)
    except UserError:  # a model of other data
        held = []
    own = [word for part in held for word in _settings(type(part))]
    first, cls = rng.choice(every)
    if not own or rng.random() < 0.3:
        second = rng.choice(every)[0]
    else:
        second = rng.choice(_settings(cls) or own)
    if own and rng.random() < 0.4:
        first = rng.choice(own)
    return name, dataset, dict([first, second])


def _try(seed):
    """`refused`, or `trained`; fails where a word was taken and changed nothing."""
    name, dataset, pair = _draw(seed)
    quick = QUICK.get(name, {})
    try:
        asked = plan.resolve(name, (), {**quick, **pair}, dataset=dataset)
        whole = _trained(name, dataset, {**quick, **pair})
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return "refused"
    for word in pair:
        rest = {**quick, **{w: v for w, v in pair.items() if w != word}}
        try:
            changed = plan.resolve(name, (), rest, dataset=dataset).point != asked.point
        except UserError:  # it is what makes the other word one
            continue
        later = word.rpartition(".")[2] in LATER or word in WHOLE_RUNS
        later = later or word.startswith("auxiliary_")  # of a stage that comes last
        later = later or pair[word] == "soft_free_bits"  # until the rate has come down to them
        if changed and not later:
            keras.backend.clear_session()
            without = _trained(name, dataset, rest)
            assert not _same(whole, without), (name, dataset, pair, word)
    return "trained"


def _run(seeds):
    found = [_try(seed) for seed in seeds]
    assert {"refused", "trained"} == set(found)


def test_some_pairs():
    _run(range(4))


@pytest.mark.slow
def test_three_hundred_pairs():
    _run(range(300))
