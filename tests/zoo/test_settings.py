"""What a setting belongs to: what is said to count is read when the model is made, at every point."""

import dataclasses

import pytest

from tests.conformance import bad_files
from tfvae.checks import UserError
from zoo import modalities, models, settings
from zoo.command import assemble, plan, run
from zoo.modalities import images, speech, tables, text
from zoo.settings import ON, field

SPACES = {
    "digits": images.Space((8, 8, 1), 1),
    "digits_grey8": images.Space((8, 8, 1), 8),
    "gaussian": images.Space((1, 5, 1), None),
    "images": images.Space((4, 4, 1), 8),
    "table": tables.Space((1, 3, 1)),
    "pydoc": text.Space(20, 6),
    "mixmarkov": text.Space(9, 24, True),
    "fsdd": speech.Space(256),
}
READ_WITH_THE_DATA = {
    "vocabulary_size",
    "min_count",
    "max_length",
    "max_samples",
    "image_size",
    "image_colour",
    "label_column",
}

# (model, data, backbone, settings): together they make every setting count
POINTS = [
    ("vae", "digits", "mlp", {}),
    ("vae", "digits", "mlp", {"annealing": "linear"}),
    ("vae", "digits", "mlp", {"annealing": "sigmoid"}),
    ("vae", "digits", "mlp", {"annealing": "cyclical", "learning_rate_schedule": "restarts"}),
    ("vae", "digits", "mlp", {"on_collapse": "annealing", "optimizer": "sgd"}),
    ("vae", "digits", "mlp", {"on_collapse": "aggressive"}),
    ("vae", "digits", "mlp", {"free_bits": 1.0, "learning_rate_schedule": "plateau"}),
    ("vae", "digits", "mlp", {"capacity": 0.0}),
    ("vae", "digits", "mlp", {"target_rate": 0.0}),
    ("vae", "digits", "mlp", {"target_distortion": 9.0}),
    ("vae", "digits", "mlp", {"conditional": True, "prior": "label"}),
    ("vae", "digits", "mlp", {"prior": "ar1", "auxiliary": True}),
    ("vae", "digits", "mlp", {"prior": "ar1", "correlation": (0.5,)}),
    ("vae", "digits", "deconvolutional", {"mmd_weight": 1.0, "moment_steps": 3}),
    ("vae", "digits", "deconvolutional", {"mmd_weight": 1.0, "mmd_kernel": "rbf"}),
    ("vae", "digits", "pixel_snail", {"tc_weight": 1.0, "ratio_weight": 1.0}),
    ("vae", "digits", "gated_pixelcnn", {"adversary_weight": 1.0}),
    ("vae", "digits", "mlp", {"num_codes": 8, "auxiliary": True}),
    ("vae", "digits", "mlp", {"neighbours": 2, "memory_size": 100}),
    ("vae", "digits", "mlp", {"inference": "semi_amortised"}),
    ("vae", "digits", "mlp", {"procedure": "aggressive", "stopping": "best"}),
    ("vae", "digits_grey8", "gated_pixelcnn", {"latent_grid": (2, 2)}),
    ("vae", "images", "mlp", {"image_size": (4, 4)}),
    ("vae", "table", "mlp", {}),
    ("linear_vae", "gaussian", "linear", {}),
    ("vae", "pydoc", "lstm", {"bow_weight": 1.0, "cosine_weight": 1.0, "pretrain_steps": 0}),
    ("vae", "pydoc", "dilated_cnn", {"dilations": (1, 2), "latent_positions": 3}),
    ("cnn_vae", "mixmarkov", "dilated_cnn", {"encoder": "flat"}),
    ("lm", "pydoc", "transformer", {}),
    ("vae", "fsdd", "wavenet", {}),
]


class Reads:
    """Settings that remember which of them were asked for."""

    def __init__(self, held):
        self.held, self.seen = held, set()

    def __getattr__(self, name):
        self.seen.add(name)
        return getattr(self.held, name)


def _made(model, dataset, backbone, given, data=None):
    """(plan, the settings that making model and stages read)."""
    resolved = plan.resolve(
        model, (), given, dataset=dataset, data=data, backbone=backbone, size="tiny", batch_size=4
    )
    reads = Reads(resolved.settings)
    made_for = run.context(resolved, SPACES[dataset], 0)
    described = models.load(model)
    made = assemble.model(described, reads, made_for)
    stages = assemble.stages(described, reads, made_for, made)
    last = next(stages)
    if getattr(resolved.settings, "auxiliary", False):
        made.build()
        *_, last = stages
    assert last is not None
    return resolved, reads.seen


def test_what_counts_is_read_and_everything_counts_somewhere(tmp_path):
    for i in range(10):
        (tmp_path / f"{i}.png").write_bytes(bad_files.picture("L"))
    counted, every = set(), set()
    for point in POINTS:
        resolved, seen = _made(*point, str(tmp_path) if point[1] == "images" else None)
        names = {f.name for f in dataclasses.fields(resolved.settings)}
        counts = {name for name in names if not plan.idle(resolved, name)}
        assert counts <= seen | READ_WITH_THE_DATA, (point, counts - seen - READ_WITH_THE_DATA)
        counted |= counts
        every |= names
    assert every == counted, every - counted


@dataclasses.dataclass(frozen=True)
class Toy:
    """A toy."""

    kind: str = field("plain", "", choices=("plain", "rich"))
    weight: float | None = field(None, "", of={"kind": ("rich",)})
    scale: float = field(1.0, "", of={"weight": ON})
    depth: int = field(0, "", of=({"kind": ("plain",), "place": ("here",)}, {"scale": ON}))


@pytest.mark.parametrize(
    ("given", "place", "name", "why"),
    [
        ({}, "", "kind", ""),
        ({}, "", "weight", "it belongs to kind=rich, and here kind is plain"),
        ({"kind": "rich"}, "", "weight", ""),
        ({"kind": "rich"}, "", "scale", "it belongs to weight=..., and here weight is none"),
        ({"kind": "rich", "weight": 0.0}, "", "scale", ""),  # 0 is a value where none is off
        ({"weight": 1.0}, "", "scale", "it belongs to weight=..., and here weight itself is not read"),
        ({"kind": "rich"}, "there", "depth", "it belongs to kind=plain or place=here, and here kind"),
        ({"kind": "rich"}, "here", "depth", "it belongs to scale=..., and here scale itself is not"),
        ({"kind": "rich", "weight": 1.0}, "here", "depth", ""),
    ],
)  # fmt: skip
def test_what_a_setting_belongs_to(given, place, name, why):
    said = settings.idle(Toy(**given), name, {"place": place})
    assert said.startswith(why) and bool(said) == bool(why)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("vae", {"mixture_components": 3}),
        ("vq_vae", {"beta": 0.5}),
        ("vq_vae", {"annealing": "linear"}),
        ("sentence_vae", {"cycles": 2}),
        ("vae", {"mmd_kernel": "imq"}),
    ],
)
def test_a_given_setting_without_effect_is_refused_and_a_default_is_not(model, values):
    (name,) = values
    assert hasattr(plan.resolve(model).settings, name)
    with pytest.raises(UserError, match=f"^{name}=.* has no effect: it belongs to .*, and here "):
        plan.resolve(model, (), values)


def test_the_space_decides_about_the_likelihood_that_auto_means():
    given = {"dataset": "digits", "backbone": "mlp"}
    assert plan.resolve("vae", (), {"variance": 0.5}, space=SPACES["gaussian"], **given)
    with pytest.raises(UserError, match="variance=0.5 has no effect: it belongs to likelihood="):
        plan.resolve("vae", (), {"variance": 0.5}, **given)


def test_shared_settings_reach_whom_they_concern():
    shared = ["annealing_steps=9", "units=8", "latent_width=2"]
    for model, own, reached in (
        ("vae", ["annealing=linear"], ["annealing_steps=9", "latent_width=2"]),
        ("vae", [], ["latent_width=2"]),
        ("pixelcnn", [], []),
    ):
        backbone = modalities.of("digits").DEFAULT_BACKBONE
        assert plan.reached(model, "digits", backbone, shared, own) == reached
    values = {"latent_width": 2, "cycles": 3}
    assert plan.reached("cyclical_vae", "digits", "mlp", values) == values
    assert plan.reached("vae", "digits", "mlp", values) == {"latent_width": 2}


@pytest.mark.parametrize("name", models.names())
def test_the_command_of_a_plan_gives_no_setting_without_effect(name):
    """Recipes may stand on points where a default of theirs is not read."""
    words = plan.resolve(name).command().split()
    assert not [word for word in words if word.startswith("--set")]
