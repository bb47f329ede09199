"""Every setting of every part is read when model and stages are made, and nothing else is accepted."""

import dataclasses

import keras
import pytest

from tests.conformance import bad_files
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.parts import PLACES, Point, choices
from zoo import modalities, models
from zoo.command import assemble, plan, report, run
from zoo.modalities import documents, images, speech, tables, text

SPACES = {
    "digits": images.Space((8, 8, 1), 1),
    "squares": images.Space((16, 16, 1), 1),
    "digits_grey8": images.Space((8, 8, 1), 8),
    "gaussian": images.Space((1, 5, 1), None),
    "images": images.Space((4, 4, 1), 8),
    "table": tables.Space((1, 3, 1)),
    "diabetes": tables.Space((1, 2, 1, 1), 1),
    "pydoc": text.Space(20, 6),
    "pydoc_words": documents.Space(9, 4),
    "mixmarkov": text.Space(9, 24, True),
    "fsdd": speech.Space(256),
}
CRITICS = {"rate_budget": "capacity", "terms": "total_correlation,density_ratio,adversary"}
KEPT = {"kept_weights": "average", "optimizer": "sgd", "learning_rate_schedule": "restarts"}

# (model, data, backbone, parts): together they have every part there is
POINTS = [
    ("vae", "digits", "mlp", {"rate_weight": "linear", "learning_rate_schedule": "constant"}),
    ("vae", "digits", "mlp", {"rate_weight": "sigmoid", "learning_rate_schedule": "cosine"}),
    ("vae", "digits", "mlp", {"rate_weight": "cyclical", "learning_rate_schedule": "exponential"}),
    ("vae", "digits", "mlp", {"on_collapse": "annealing", **KEPT}),
    ("vae", "digits", "mlp", {"on_collapse": "aggressive", "encoder": "dense"}),
    ("vae", "digits", "mlp", {"rate_budget": "free_bits", "on_collapse": "free_bits"}),
    ("vae", "digits", "mlp", {"rate_budget": "target_rate", "kept_weights": "best"}),
    ("vae", "digits", "mlp", {"rate_budget": "target_distortion"}),
    ("vae", "digits", "mlp", {"bound": "many_samples", "learning_rate_schedule": "tripling"}),
    ("vae", "digits", "mlp", {"posterior": "auxiliary"}),
    ("vae", "digits", "mlp", {"condition": "labels", "prior": "label"}),
    ("vae", "digits", "mlp", {"prior": "ar1", "stages": "auxiliary_prior"}),
    ("vae", "digits", "mlp", {"prior": "ar1", "correlation": (0.5,)}),
    ("vae", "digits", "mlp", {"posterior": "iaf", "iaf_scale": "bounded", "prior": "maf"}),
    ("vae", "digits", "mlp", {"posterior": "planar"}),
    ("vae", "digits", "mlp", {"posterior": "coupling"}),
    ("vae", "digits", "gated_mlp", {"prior": "vamp"}),
    ("vae", "digits", "gated_mlp", {"posterior": "ladder"}),
    ("vae", "digits", "mlp", {"stages": "auxiliary_maf"}),
    ("vae", "digits", "mlp", {"prior": "autoregressive"}),
    ("vae", "digits", "mlp", {"prior": "attention"}),
    ("vae", "digits", "mlp", {"prior": "mixture"}),
    ("vae", "digits", "mlp", {"prior": "pixelcnn"}),
    ("vae", "digits", "mlp", {"stages": "auxiliary_attention"}),
    ("vae", "digits", "mlp", {"stages": "auxiliary_mixture"}),
    ("vae", "digits", "mlp", {"stages": "auxiliary_pixelcnn", "code": "sequence"}),
    ("vae", "digits", "mlp", {"posterior": "fixed_scale", "terms": "mmd", "stages": "moments"}),
    ("vae", "digits", "deconvolutional", {"terms": "mmd", "mmd_kernel": "rbf"}),
    ("vae", "digits", "pixel_snail", CRITICS),
    ("vae", "digits", "masked_pixelcnn", {"rate_budget": "soft_free_bits"}),
    ("vae", "digits", "mlp", {"posterior": "vq", "stages": "auxiliary_codes"}),
    ("vae", "digits", "mlp", {"posterior": "vq", "upkeep": "pulled_codes"}),
    ("vae", "digits", "mlp", {"prior": "neighbour", "memory_size": 100}),
    ("vmf_vae", "digits", "mlp", {"latent_width": 4}),
    ("vmf_vae", "digits", "mlp", {"posterior": "vmf_learned", "terms": "rejection_correction"}),
    ("vmf_vae", "digits", "mlp", {"posterior": "power_spherical"}),
    ("vmf_vae", "digits", "mlp", {"posterior": "vmf_norm"}),
    (
        "joint_vae",
        "digits",
        "mlp",
        {"terms": "+labelled_category", "concrete_last_temperature": 0.5},
    ),
    ("vmf_vae", "digits", "mlp", {"posterior": "power_spherical_learned"}),
    ("bn_vae", "digits", "mlp", {}),
    ("vfae", "diabetes", "mlp", {}),
    ("vae", "digits", "mlp", {"terms": "kitchen_sinks", "condition": "labels"}),
    ("information_dropout", "digits", "mlp", {}),
    (
        "information_dropout",
        "digits",
        "mlp",
        {"code_activation": "relu", "prior": "log_uniform"},
    ),
    ("vae", "digits", "mlp", {"encoder": "information_dropout", "noise_weight": 0.01}),
    (
        "m2_vae",
        "digits",
        "mlp",
        {"label_width": 3, "labelled_fraction": 0.2, "labelled_examples": None},
    ),
    ("dc_ign", "squares", "mlp", {"factor_latents": (2, 1), "clamp_kept": "first"}),
    ("vae", "digits", "mlp", {"batches": "partly_labelled"}),
    ("skip_vae", "digits", "mlp", {}),
    ("skip_vae", "digits", "deconvolutional", {}),
    ("lid_vae", "digits", "injective", {}),
    (
        "hfvae",
        "digits",
        "mlp",
        {"information_weight": 0.5, "within_weight": 2.0, "marginal_weight": 3.0},
    ),
    ("wae_gan", "digits", "mlp", {"bottleneck_rate": 0.1, "adversary_offset": True}),
    ("factor_vae", "digits", "mlp", {"bottleneck_rate": 0.1}),
    ("vib", "digits", "mlp", {"classifier_units": (6,)}),
    ("vae", "digits", "mlp", {"terms": "covariance,posterior_divergence"}),
    ("vae", "digits", "mlp", {"terms": "hsic", "latent_width": 4, "hsic_groups": (1, 3)}),
    ("vae", "digits", "mlp", {"terms": "contrastive", "contrastive_scores": "network"}),
    ("vae", "digits", "mlp", {"inference": "semi_amortised"}),
    ("vae", "digits", "mlp", {"procedure": "aggressive"}),
    ("vae", "digits_grey8", "gated_pixelcnn", {"code": "sequence", "encoder": "anti_causal"}),
    ("vae", "digits_grey8", "mlp", {"likelihood": "categorical", "stages": "pretrain"}),
    ("vae", "images", "mlp", {"image_size": (4, 4)}),
    ("vae", "table", "mlp", {}),
    ("vae", "table", "linear", {}),
    ("linear_vae", "gaussian", "linear", {}),
    ("nvdm", "pydoc_words", "mlp", {"decoder_layers": 1}),
    ("vae", "pydoc", "lstm", {"terms": "bag_of_words,cosine"}),
    ("vae", "pydoc", "lstm", {"learning_rate_schedule": "plateau", "encoder": "max"}),
    ("vae", "pydoc", "dilated_cnn", {"code": "sequence", "encoder": "anti_causal"}),
    ("vae", "pydoc", "dilated_cnn", {"dilations": (1, 2), "encoder": "mean"}),
    ("vae", "pydoc", "lstm", {"encoder": "abs_max"}),
    ("vae", "mixmarkov", "dilated_cnn", {"encoder": "flat"}),
    ("vae", "mixmarkov", "dilated_cnn", {"encoder": "pooled"}),
    ("lm", "pydoc", "transformer", {}),
    ("vae", "fsdd", "wavenet", {"code": "sequence", "encoder": "anti_causal"}),
    ("vae", "fsdd", "wavenet", {}),
]


def _settings(part):
    return {f.name for f in dataclasses.fields(part)}


def _watched(part, seen):
    """The same part, that notes which of its settings are read."""
    names, cls = _settings(part), type(part)

    class Watched(cls):
        def __getattribute__(self, name):
            if name in names:
                seen.add(name)
            return object.__getattribute__(self, name)

    made = object.__new__(Watched)
    made.__dict__.update(part.__dict__)
    return made


def _made(model, dataset, backbone, given, data=None):
    """[(part, the settings that making model and stages read)]."""
    resolved = plan.resolve(
        model, (), given, dataset=dataset, data=data, backbone=backbone, size="tiny", batch_size=4
    )
    seen = [(part, set()) for part in resolved.point]
    watched = Point([_watched(part, names) for part, names in seen])
    context = dataclasses.replace(run.context(resolved, SPACES[dataset]), point=watched)
    described = models.load(model)
    made = assemble.model(described, context)
    made.build()
    assert list(assemble.stages(described, context, made))
    return seen


def test_every_setting_of_every_part_is_read(tmp_path):
    (tmp_path / "pictures").mkdir()
    for i in range(10):
        (tmp_path / "pictures" / f"{i}.png").write_bytes(bad_files.picture("L"))
    (tmp_path / "x.csv").write_bytes(bad_files.FILES["table"]["x.csv"])
    own = {"images": str(tmp_path / "pictures"), "table": str(tmp_path / "x.csv")}
    had = set()
    for point in POINTS:
        for part, seen in _made(*point, own.get(point[1])):
            counting = {n for n in _settings(part) if not _idle(part, n)}
            if part.place != "data":  # read before there is a model
                assert counting <= seen, (point, str(part), counting - seen)
            had |= {(type(part), name) for name in counting} | {(type(part), None)}
    kinds = sorted({modalities.of(point[1]).NAME for point in POINTS})
    every = {cls for place in PLACES for kind in kinds for cls in choices(place, kind).values()}
    every = {cls for cls in every if cls.__module__.startswith(("tfvae.", "zoo."))}
    wanted = {(cls, f.name) for cls in every for f in dataclasses.fields(cls)}
    wanted |= {(cls, None) for cls in every}
    assert wanted <= had, wanted - had


def _lowest(point):
    """What a point's counts may be at least, {part.setting: value}."""
    resolved = plan.resolve(point[0], (), point[3], dataset=point[1], backbone=point[2])
    return {
        f"{part.name}.{f.name}": f.metadata["range"]["low"]
        for part in resolved.point
        for f in dataclasses.fields(part)
        if type(f.default) is type(f.metadata["range"]["low"]) is int and not _idle(part, f.name)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [p for p in POINTS if p[1] in ("digits", "squares", "pydoc") and "memory_size" not in p[3]],
)
def test_every_count_at_its_lowest_trains_and_is_measured(point, tmp_path, monkeypatch):
    """Each alone, for two steps; the last batch that is evaluated is no whole one. Or a line refuses it."""

    def write(resolved, described, kind, data, model, last, *_):
        told = data.test.label[:5] if last.model.condition is not None else None
        diagnosis.measure(last.model, kind.arrays(data, data.test)[:5], num_samples=2, label=told)
        return {}

    monkeypatch.setattr(report, "write", write)
    model, dataset, backbone, given = point
    run_ = {"dataset": dataset, "backbone": backbone, "size": "tiny", "batch_size": 4}
    run_ |= {"train_steps": 2, "eval_every": 2, "checkpoint_every": 2}
    refused = {}
    for number, (name, low) in enumerate(_lowest(point).items()):
        try:
            values = {**given, name: low}
            run.run(plan.resolve(model, (), values, workdir=str(tmp_path / str(number)), **run_))
        except UserError as error:
            refused[name] = str(error)
        keras.backend.clear_session()
    print(refused)  # each is a line that names what is at fault
    assert all(any(word in said for word in name.split(".")) for name, said in refused.items())


def _idle(part, name):
    of = {f.name: f.metadata["of"] for f in dataclasses.fields(part)}[name]
    return any(
        getattr(part, other) not in wanted
        if isinstance(wanted, tuple)
        else not getattr(part, other)
        for other, wanted in of.items()
    )


@pytest.mark.parametrize(
    ("model", "values", "says"),
    [
        ("vae", {"mixture_components": 3}, "belongs to likelihood=logistic_mixture, .*=bernoulli"),
        ("vq_vae", {"beta": 0.5}, "beta belongs to .* posterior=vq, which leaves no rate_weight"),
        ("sentence_vae", {"cycles": 2}, "cycles belongs to rate_weight=cyclical, .*=sigmoid"),
        ("vae", {"mmd_kernel": "imq"}, r"terms=mmd, .* terms=none \(take it by --set=terms=\+mmd\)"),
        ("vae", {"committed_rate": 4.0}, "belongs to prior=ar1, and this model has prior=normal"),
        ("vae", {"prior.committed_rate": 4.0}, "belongs to prior=ar1, .* has prior=normal"),
        ("delta_vae", {"correlation": (0.5,), "committed_rate": 1.0}, "has no effect: it belongs to corr"),
        ("vae", {"auxiliary": True}, "auxiliary=true: this is now --set=stages="),
        ("vae", {"latent_widht": 3}, "unknown setting 'latent_widht'; did you mean latent_width"),
        ("vae", {"prior": "ar2"}, "unknown prior 'ar2'; did you mean ar1"),
        ("vae", {"terms": "+mmd,cosine"}, "either a list"),
        ("vae", {"terms": "-mmd"}, "this model has none to take away"),
        ("info_vae", {"terms": "+mmd"}, "mmd is there already"),
        ("vae", {"prior": None}, "prior must be one of .*normal.*, got none"),
        ("vae", {"backbone": "mlp"}, "the backbone is chosen by --backbone"),
        (
            "vae",
            {"terms": "density_ratio,adversary", "critic_layers": 2},
            "setting of terms=density_ratio and of terms=adversary: say density_ratio.critic_layers",
        ),
    ],
)  # fmt: skip
def test_what_no_part_of_the_model_has_is_refused_by_whose_it_is(model, values, says):
    given = {} if "backbone" not in values else values
    values = {k: v for k, v in values.items() if k != "backbone"}
    words = [f"{k}={v}" for k, v in given.items()]
    with pytest.raises(UserError, match=says):
        plan.resolve(model, words, values)


@pytest.mark.parametrize(
    ("old", "place", "name"),
    [
        ("annealing=linear", "rate_weight", "linear"),
        ("annealing=none", "rate_weight", "constant"),
        ("conditional=true", "condition", "labels"),
        ("keep_best=true", "kept_weights", "best"),
        ("keep_best=false", "kept_weights", "last"),
        ("ema_decay=0.9", "kept_weights", "average"),
    ],
)
def test_words_of_before_that_have_one_meaning_are_understood(old, place, name):
    assert plan.resolve("vae", [old], dataset="digits").point[place].name == name
    (path, _, value) = old.partition("=")
    value = {"true": True, "false": False, "0.9": 0.9}.get(value, value)
    assert plan.resolve("vae", (), {path: value}, dataset="digits").point[place].name == name


def test_a_setting_of_two_parts_is_said_by_whose_it_is():
    words = ["terms=density_ratio,adversary", "adversary.critic_layers=2"]
    ratio, adversary = plan.resolve("vae", words).point["terms"]
    assert (ratio.critic_layers, adversary.critic_layers) == (4, 2)


def test_the_space_decides_about_the_likelihood():
    given = {"dataset": "digits", "backbone": "mlp"}
    assert plan.resolve("vae", (), {"variance": 0.5}, space=SPACES["gaussian"], **given)
    with pytest.raises(UserError, match="variance belongs to likelihood=gaussian, .*=bernoulli"):
        plan.resolve("vae", (), {"variance": 0.5}, **given)


def test_what_is_said_for_all_reaches_whom_it_concerns():
    shared = ["annealing_steps=9", "units=8", "latent_width=2"]
    backbone = modalities.of("digits").DEFAULT_BACKBONE
    for model, own, reached in (
        ("vae", ["rate_weight=linear"], ["annealing_steps=9", "latent_width=2"]),
        ("vae", [], ["latent_width=2"]),
        ("pixelcnn", [], []),
    ):
        assert plan.reached(model, "digits", backbone, shared, own) == reached
    values = {"latent_width": 2, "cycles": 3}
    assert plan.reached("cyclical_vae", "digits", "mlp", values) == values
    assert plan.reached("vae", "digits", "mlp", values) == {"latent_width": 2}
    assert plan.reached("pixelcnn", "digits", "gated_pixelcnn", ["rate_weight=linear"]) == []
    with pytest.raises(UserError, match="'latent_width' must be"):
        plan.reached("vae", "digits", "mlp", ["latent_width=0"])


def test_a_plain_vae_of_images_shows_fewer_than_45_settings():
    point = plan.resolve("vae", dataset="digits").point
    shown = [p for p in PLACES if p not in point.closed() and choices(p, "images")]
    assert len(shown) + sum(len(_settings(part)) for part in point) < 45


@pytest.mark.parametrize("name", models.names())
def test_the_command_of_a_plan_says_nothing_that_is_usual(name):
    words = plan.resolve(name).command().split()
    assert not [word for word in words if word.startswith("--set")]


@pytest.mark.parametrize("kind", modalities.NAMES)
def test_every_part_and_setting_is_documented_and_every_need_can_be_met(kind):
    parts = [cls for place in PLACES for cls in choices(place, kind).values()]
    kinds = modalities.NAMES
    every = [cls for k in kinds for place in PLACES for cls in choices(place, k).values()]
    offered = {fact for cls in every for fact in cls.offers}
    of_the_run = {
        "labels",
        "own_images",
        "vocabulary",
        "fixed_length",
        "pairs",
        "no_xla",
        "rows",
        "factors",
        *plan.UNLESS_WITHHELD,
    }
    of_the_run |= {"binary", "bytes", "reals"}
    for cls in parts:
        assert (
            cls.__doc__
            and cls.__doc__.strip().partition("\n")[0].endswith(".")
            or cls.name == "constant"
        )
        assert all(f.metadata["help"] for f in dataclasses.fields(cls))
        assert cls.needs <= offered | of_the_run, (cls, cls.needs - offered)
        assert set(cls.closes) | set(cls.brings) <= set(PLACES)
