"""What a user may type or leave lying about: each is one line on stderr and status 2, before anything runs.

Rows are made from the flags, from type and range of every setting, from what a setting belongs to, from
the commands and from the readers. A row of files is (name, what it writes into a folder and returns as
the words of a command).
"""

import dataclasses
import itertools
import json
import os
import re
import shutil
import typing
import zipfile

import keras
import numpy as np
import pytest
from absl import flags

import train_main
import zoo
from tests import models
from tests.conformance import bad_files
from tfvae import examination, values
from tfvae.checks import UserError
from tfvae.parts import PLACES as PLACES_OF_MODELS
from tfvae.parts import choices
from zoo.benchmarks import __main__ as benchmarks
from zoo.command import migration, plan
from zoo.command.plan import Plan
from zoo.comparison import command as compare

MAINS = {
    "train": lambda words: train_main.main(["train_main", *words]),
    "benchmarks": benchmarks.main,
    "compare": compare.main,
    "diagnose": examination.main,
}


def answer(capfd, command, words):
    """(exit status, lines of stdout, lines of stderr)."""
    flags.FLAGS.unparse_flags()
    capfd.readouterr()
    try:
        status = MAINS[command](list(words))
    except SystemExit as left:
        status = left.code
    out, err = capfd.readouterr()
    return status, out.splitlines(), err.splitlines()


def refuse(capfd, command, words):
    """Asserts that the command ends with one line and status 2; the line."""
    status, out, err = answer(capfd, command, words)
    assert (status, out, len(err)) == (2, [], 1), (words, status, out, err)
    assert len(err[0]) < 1100 and err[0].startswith(MAINS_SAY[command]), err
    return err[0]


MAINS_SAY = {name: f"{name}: " for name in MAINS} | {"train": "train_main: "}


# ------------------------------------------------------------------ values


def _wrong(hint, low=None, high=None, choices=(), length=None):
    """Texts that a value of this type and range cannot be."""
    kinds = set(typing.get_args(hint) or (hint,))
    if choices:
        return ["nonsense", f"{choices[0]}x", "\udcff"]
    if bool in kinds:
        return ["2", "maybe", "truefalse"]
    if int in kinds or tuple[int, ...] in kinds:
        wrong = ["x", "1.5", "nan", "inf", "9" * 5000, "1e3", str(10**12)]
    elif float in kinds or tuple[float, ...] in kinds:
        wrong = ["x", "nan", "inf", "-inf", "1e400", "1e39", "-1e39", "0x10"]
    else:
        return []
    if low is not None:
        wrong += [str(low - 1), str(low / 2 if low > 0 and float in kinds else low - 1)]
    if high is not None:
        wrong += [str(high + 1)]
    if length is not None:
        wrong += [",".join(["1"] * (length[1] + 1))]
    if type(None) not in kinds and hint in (int, float):
        wrong += ["", "none"]
    return list(dict.fromkeys(wrong))


def _flags():
    hints = typing.get_type_hints(Plan)
    for f in dataclasses.fields(Plan):
        if not f.metadata or hints[f.name] == str | None:
            continue
        for value in _wrong(hints[f.name], **f.metadata["range"]):
            yield f"--{f.name}", ["--model=vae", f"--{f.name}={value}"]
    for name in ("model", "dataset", "backbone", "size"):
        for value in ("", "nonsense", "\udcff", "x" * 3000, "../vae", "vae\n"):
            yield f"--{name}", ["--model=vae", f"--{name}={value}"]


DATASETS = {"images": "digits", "speech": "fsdd", "text": "pydoc"}


def _parts(kind):
    """Those of the project, with the words that bring them into a plain VAE."""
    plain = plan.resolve("vae", dataset=DATASETS[kind]).point
    for place in PLACES_OF_MODELS.values():
        for name, cls in choices(place.name, kind).items():
            if not cls.__module__.startswith(("tfvae.", "zoo.")):
                continue
            words = ["--model=vae", f"--dataset={DATASETS[kind]}"]
            if place.name == "backbone":
                words.append(f"--backbone={name}")
            elif not plain.has(place.name, name):
                words.append(f"--set={place.name}={'+' if place.many else ''}{name}")
            yield cls, words, plain.has(place.name, name)


def _settings():
    """The values that each setting of each part cannot have."""
    seen = set()
    for cls, words, _ in itertools.chain(*map(_parts, DATASETS)):
        hints = typing.get_type_hints(cls)
        for f in dataclasses.fields(cls):
            if (cls, f.name) in seen:
                continue
            seen.add((cls, f.name))
            for value in _wrong(hints[f.name], **f.metadata["range"]):
                yield f.name, [*words, f"--set={cls.name}.{f.name}={value}"]


def _idle():
    """Every setting of a part that a plain model has not."""
    plain = {f.name for c, _, has in _parts("images") if has for f in dataclasses.fields(c)}
    seen = set(plain)
    for cls, words, has in itertools.chain(*map(_parts, DATASETS)):
        for f in dataclasses.fields(cls):
            implied = f.name in migration.IMPLIED
            if not has and not implied and cls.place != "backbone" and f.name not in seen:
                seen.add(f.name)
                usual, choices = f.default, f.metadata["range"]["choices"]
                value = (choices[0] if choices else 2) if usual is None else values.text(usual)
                yield f.name, [*words[:2], f"--set={f.name}={value}"]


WORDS = [*_flags(), *_settings()]
IDLE = list(_idle())


@pytest.mark.parametrize(("name", "words"), WORDS, ids=itertools.count())
def test_a_wrong_value_is_refused_by_name(capfd, name, words):
    assert name.lstrip("-") in refuse(capfd, "train", words)


# values that would train nothing, for ever, or something else than is said: of whatever range a field has
MEANINGLESS = [
    ("vae", "--seed=-1"),
    ("vae", "--seed=4294967296"),
    ("vae", "--information_batch=0"),
    ("vae", "--information_batch=1"),
    ("vae", "--train_steps=1000000000000"),
    ("vae", "--batch_size=1000000000000"),
    ("vae", "--learning_rate=0"),
    ("vae", "--cpu_replicas=0"),
    ("vae", "--set=clip_norm=0"),
    ("vae", "--set=clip_norm=inf"),
    ("vae", "--set=kept_weights=average --set=ema_decay=1"),
    ("vae", "--set=beta=-1"),
    ("sentence_vae", "--set=annealing_slope=0"),
    ("wae_mmd", "--set=mmd_scales=none"),
    ("info_vae", "--set=mmd_kernel=rbf --set=mmd_variance=0"),
    ("delta_vae", "--set=committed_rate=0"),
    ("delta_vae", "--set=auxiliary_learning_rate=0"),
    ("rate_target_vae", "--set=dual_step_size=0"),
    ("vae", "--set=rate_budget=capacity --set=capacity=inf"),
    ("vq_vae", "--set=codebook_decay=1"),
    ("sa_vae", "--set=svi_momentum=1"),
    ("sa_vae", "--set=svi_step_size=0"),
    ("sa_vae", "--set=svi_clip_norm=0"),
    ("factor_vae", "--set=critic_learning_rate=0"),
    ("lm", "--set=initial_scale=0"),
    ("lm", "--set=output_dropout=1"),
    ("acn", "--set=memory_size=2000000000"),
]


@pytest.mark.parametrize(("model", "word"), MEANINGLESS, ids=[word for _, word in MEANINGLESS])
def test_a_value_that_means_nothing_is_refused(capfd, model, word):
    words = word.split()
    said = refuse(capfd, "train", [f"--model={model}", *words])
    assert (
        " must be " in said and words[-1].removeprefix("--set=").split("=")[0].lstrip("-") in said
    )


@pytest.mark.parametrize(("name", "words"), IDLE, ids=[name for name, _ in IDLE])
def test_a_setting_of_a_part_that_is_not_there_is_refused_by_whose_it_is(capfd, name, words):
    said = refuse(capfd, "train", words)
    assert said.startswith(f"train_main: {name} belongs to ") and ", and this model has " in said


# ------------------------------------------------------------------ places


def _places():
    """Names that no file of this machine has, wherever a command takes one."""
    names = ("", "gs://bucket/run", "https://x.org/y", "s3://a", "x" * 256, "a/" * 2100 + "b")
    for value in (*names, "\udcff/run", "a\0b"):
        yield "train", ["--model=vae", f"--workdir={value}"], "--workdir"
        yield "train", ["--model=vae", f"--data_dir={value}"], "--data_dir"
        yield "train", ["--model=vae", "--dataset=images", f"--data={value}"], "--data"
        yield "compare", ["--models=vae", "--train_steps=1", f"--out={value}"], "--out"
        yield "compare", ["--models=vae", "--train_steps=1", f"--data_dir={value}"], "--data_dir"
        yield "benchmarks", ["linear", f"--out={value}"], "--out"
        yield "benchmarks", ["linear", f"--data_dir={value}"], "--data_dir"
        yield "diagnose", [value], "what is examined"
        for name in ("--data", "--out"):
            yield "diagnose", ["x.keras", f"{name}={value}"], name


PLACES = list(_places())


@pytest.mark.parametrize(("command", "words", "name"), PLACES, ids=itertools.count())
def test_a_name_that_no_place_has_is_refused(capfd, command, words, name):
    assert f": {name} must " in refuse(capfd, command, words)


# ------------------------------------------------------------------ commands


TRIED = ("--model=vae", "--backbone=mlp", "--describe")  # which reads the data and makes the model
AGGRESSIVE = ("--set=procedure=aggressive", "--set=inner_steps=5")


def _commands():
    steps = "--train_steps=1"
    yield from (
        ("train", [], "--model is missing"),
        ("train", ["--model=vae", "stray"], "unexpected 'stray'"),
        ("train", ["--modle=vae"], "Did you mean: model"),
        ("train", ["--model"], "Missing value for flag --model"),
        ("train", ["--model=vae", "--nodeterministic=3"], "--nodeterministic=3"),
        ("train", ["--model=vae", "--nojit_compile=true"], "--nojit_compile=true"),
        ("train", ["--model=vae", "--verbosity=loud"], "verbosity"),
        ("train", ["--model=vae", "--stderrthreshold=99"], "stderrthreshold"),
        ("train", ["--model=vae", "--resume"], "--resume needs the --workdir"),
        ("train", ["--model=vae", "--resume", "--seeds=2"], "--resume needs the --workdir"),
        ("train", ["--model=vae", "--seeds=2", "--seed=3"], "--seed is of one run"),
        ("train", ["--model=vae", "--seeds=2", "--describe"], "--describe is of one run"),
        ("train", ["--model=vae", "--seeds=x"], "--seeds must be whole numbers"),
        ("train", ["--model=vae", "--seeds=0"], "--seeds must be a number from 1"),
        ("train", ["--model=vae", "--seeds=1,1"], "--seeds names 1 twice"),
        ("train", ["--model=vae", "--processes=2"], "--processes is of several runs"),
        ("train", ["--model=vae", "--launcher=ray"], "--launcher is of several runs"),
        ("train", ["--model=vae", "--seeds=2", "--gpus=1"], "--gpus is of --launcher=ray, slurm"),
        ("train", ["--model=vae", "--seeds=2", "--strategy=multi_worker"], "is of one run"),
        ("train", ["--model=vae", "--seeds=2", "--resume", "--workdir=no"], "holds no seeds to"),
        ("train", ["--model=vae", "--seeds=2", "--workdir=/usr"], "not empty"),
        ("train", ["--model=vae", "--set=beta"], "--set wants name=value"),
        ("train", ["--model=vae", "--set="], "--set wants name=value"),
        ("train", ["--model=vae", "--set==3"], "unknown setting ''"),
        ("train", ["--model=vae", "--set=betta=3"], "did you mean beta"),
        ("train", ["--model=vae", "--batch_size=9", "--cpu_replicas=2"], "a multiple of"),
        ("train", ["--model=vae", "--set=prior=ar2"], "unknown prior 'ar2'; did you mean ar1"),
        ("train", ["--model=vae", "--set=prior=none"], "prior must be one of"),
        ("train", ["--model=vae", "--set=prior=no_module:Prior"], "no_module cannot be imported"),
        ("train", ["--model=vae", "--set=prior=json:loads"], "must be a builtins.type"),
        ("train", ["--model=vae", "--set=prior=json:JSONDecoder"], "must be a part"),
        ("train", ["--model=vae", "--set=terms=+mmd,cosine"], "is either a list"),
        ("train", ["--model=vae", "--set=terms=-mmd"], "this model has none to take away"),
        ("train", ["--model=vae", "--set=prior.beta=2"], "unknown setting 'prior.beta'"),
        (
            "train",
            ["--model=vae", "--set=shared_scale=true"],
            "this is now --set=posterior=shared_scale",
        ),
        ("train", ["--model=vae", "--set=conditional=maybe"], "this is now --set=condition=labels"),
        ("train", ["--model=no_module:RECIPE"], "no_module cannot be imported"),
        ("train", ["--model=json:loads"], "must be a zoo.recipe.Recipe"),
        ("train", ["--model=json:RECIPE"], "json has no 'RECIPE'"),
        ("train", ["--model=json:"], "must be a name or module:ATTRIBUTE"),
        ("train", [*TRIED, "--strategy=mirrored"], "finds no GPU here"),
        ("train", [*TRIED, "--set=code=sequence", "--set=latent_grid=3"], "must be h,w"),
        (
            "train",
            [*TRIED, "--set=code=sequence", "--set=latent_grid=9,9"],
            "must fit the 8 x 8 image",
        ),
        ("train", [*TRIED, "--set=prior=ar1", "--set=correlation=0,0,0"], "1 or D correlations"),
        (
            "train",
            [*TRIED, "--set=rate_weight=sigmoid", "--set=annealing_midpoint=0"],
            "say annealing_slope",
        ),
        ("train", [*TRIED, *AGGRESSIVE, "--set=window=6"], "at most inner_steps=5"),
        ("train", [*TRIED, "--set=posterior=vq", "--set=beta=2"], "which leaves no rate_weight"),
        ("train", [*TRIED, "--batch_size=1258"], "at most the 1,257 examples"),
        ("train", [*TRIED, "--information_batch=401"], "at most the 400 examples"),
        ("train", [*TRIED, "--dataset=mnist", "--data_dir=/nowhere"], "/nowhere"),
        ("train", ["--model=vae", "--dataset=images"], "--data must name a folder of PNG"),
        (
            "train",
            ["--model=vae", "--dataset=images", "--data=/nowhere"],
            "/nowhere does not exist",
        ),
        ("train", ["--model=vae", "--data=x"], "--data is of one's own data"),
        ("train", ["--model=vae", "--dataset=images", "--data_dir=x"], "one's own: say --data="),
        ("train", ["--flagfile"], "no flagfile ''"),
        ("train", ["--flagfile=delta_vae_minst"], "did you mean delta_vae_mnist"),
        ("train", [f"--flagfile={'x' * 300}"], "no flagfile"),
        ("train", ["--flagfile=a\0b"], "no flagfile"),
        ("compare", [], "--models"),
        ("compare", ["--models=", steps], "unknown model ''"),
        ("compare", ["--models=vae"], "give one of --train_steps and --budget_minutes"),
        ("compare", ["--models=vae", steps, "--budget_minutes=1"], "give one of"),
        ("compare", ["--models=vae,vae", steps], "names one twice"),
        ("compare", ["--models=vae:beta", steps], "--set wants name=value"),
        ("compare", ["--models=vae:cycles=3", steps], "cycles belongs to rate_weight=cyclical"),
        ("compare", ["--models=vae", steps, "--set=cycles=3"], "a use for --set=cycles=3"),
        ("compare", ["--models=vae", steps, "--set=beta=nan"], "'beta' must be"),
        ("compare", ["--models=vae", steps, "--dataset="], "unknown dataset ''"),
        ("compare", ["--models=vae", steps, "--backbone="], "unknown backbone"),
        ("compare", ["--models=vae", steps, "--colour=red"], "--colour=red"),
        ("compare", ["--models=vae", steps, "stray"], "stray"),
        ("benchmarks", [], "name"),
        ("benchmarks", ["nothing"], "nothing"),
        ("benchmarks", ["linear", "--only=nothing"], "unknown row 'nothing'"),
        ("benchmarks", ["linear", "--seeds=a"], "--seeds must be whole numbers"),
        ("benchmarks", ["linear", "--seeds="], "--seeds must be whole numbers"),
        ("benchmarks", ["linear", "--seeds=0"], "--seeds must be a number from 1"),
        ("compare", ["--models=vae", steps, "--seeds=3,-1"], "a seed of --seeds"),
        ("compare", ["--models=vae", steps, "--seeds=3,4,3"], "--seeds names 3 twice"),
        ("compare", ["--models=vae", steps, "--launcher=slrum"], "did you mean slurm"),
        ("compare", ["--models=vae", steps, "--cores=2"], "--cores is of --launcher=ray, slurm"),
        ("compare", ["--models=vae", steps, "--launcher=slurm", "--sbatch=time"], "--sbatch must"),
        ("compare", ["--models=vae", steps, "--launcher=ray", "--sbatch=-p x"], "--sbatch is of"),
        ("compare", ["--models=vae", steps, "--launcher=slurm", "--gpus=-1"], "--gpus must be"),
        ("compare", ["--models=vae", steps, "--launcher=zoo.recipe:Recipe"], "launcher.Launcher"),
        ("diagnose", [], "path"),
        ("diagnose", ["nowhere"], "neither a run directory"),
        ("diagnose", ["x", "--colour=red"], "--colour=red"),
        ("diagnose", ["x.keras", "--gaps=all"], "unknown --gaps 'all'"),
        ("diagnose", ["x.keras", "--chains=3"], "add --gaps=full"),
        ("diagnose", ["x.keras", "--temperatures=3"], "add --gaps=full"),
        ("diagnose", ["x.keras", "--gaps=full", "--temperatures=1"], "--temperatures"),
        ("diagnose", ["x.keras", "--gaps=full", "--chains=0"], "--chains"),
    )
    for name in ("seeds", "processes", "train_steps", "batch_size", "nll_samples", "nll_examples"):
        for value in ("0", "-1", "1.5", "x", "", "1" + "0" * 30, "nan"):
            words = ["--models=vae", *([steps] if name != "train_steps" else [])]
            yield "compare", [*words, f"--{name}={value}"], f"--{name}"
    for name in ("learning_rate", "budget_minutes"):
        for value in ("0", "-1", "nan", "inf", "1e400", "x", ""):
            words = ["--models=vae", *([steps] if name == "learning_rate" else [])]
            yield "compare", [*words, f"--{name}={value}"], f"--{name}"
    for value in ("0", "-1", "x", "1e9", "1000000"):
        yield "benchmarks", ["linear", f"--processes={value}"], "--processes"
    for name in ("examples", "gap_examples", "gap_steps", "nll_samples", "nll_examples", "seed"):
        for value in ("-1", "1.5", "x", "", "1" + "0" * 30, "inf"):
            yield "diagnose", ["x.keras", f"--{name}={value}"], f"--{name}"
    for value in ("-1", "nan", "inf", "1e400", "x", ""):
        yield "diagnose", ["x.keras", f"--beta={value}"], "--beta"


COMMANDS = list(_commands())


@pytest.mark.parametrize(("command", "words", "says"), COMMANDS, ids=itertools.count())
def test_a_command_that_is_wrong_is_refused(capfd, command, words, says):
    assert says in refuse(capfd, command, words)


def test_nothing_that_a_refusal_needs_is_slow():
    assert len(WORDS) >= 300


# ------------------------------------------------------------------ files


def _flagfile(text):
    def write(folder):
        (folder / "a.flags").write_bytes(text if isinstance(text, bytes) else text.encode())
        return [f"--flagfile={folder}/a.flags"]

    return write


def _nested(folder):
    for one, other in ("ab", "ba"):
        (folder / f"{one}.flags").write_text(f"--flagfile={folder}/{other}.flags\n")
    return [f"--flagfile={folder}/a.flags"]


def _workdir(folder):
    (folder / "file").write_text("")
    return ["--model=vae", f"--workdir={folder}/file"]


def _inside_a_file(folder):
    (folder / "file").write_text("")
    return ["--model=vae", f"--workdir={folder}/file/run"]


# (name, command, what writes the files and returns the words, what is said)
FILES = [
    ("binary flagfile", "train", _flagfile(bytes(range(256))), "cannot be read"),
    ("flagfile of words", "train", _flagfile("model=vae\n"), "a line is --flag=value"),
    ("flagfile of NULs", "train", _flagfile("--model=vae\n--workdir=\0\n"), "a line is"),
    ("flagfile of UTF-16", "train", _flagfile("--model=vae".encode("utf-16")), "cannot be read"),
    ("flagfile with a typo", "train", _flagfile("--modle=vae\n"), "Did you mean: model"),
    ("flagfile that names none", "train", _flagfile("--flagfile=nowhere\n"), "no flagfile"),
    ("flagfiles in a circle", "train", _nested, "reads itself"),
    ("a flagfile's folder", "train", lambda folder: [f"--flagfile={folder}"], "no flagfile"),
    ("workdir is a file", "train", _workdir, "is a file"),
    ("workdir in a file", "train", _inside_a_file, "cannot write"),
    ("workdir in /proc", "train", lambda _: ["--model=vae", "--workdir=/proc/x"], "/proc"),
    ("workdir is not empty", "train", lambda _: ["--model=vae", "--workdir=/usr"], "not empty"),
]


@pytest.mark.parametrize(
    ("command", "write", "says"), [row[1:] for row in FILES], ids=[row[0] for row in FILES]
)
def test_files_that_are_wrong_are_refused(capfd, tmp_path, command, write, says):
    assert says in refuse(capfd, command, write(tmp_path))


def test_so_many_are_tried():
    assert len(WORDS) + len(IDLE) + len(PLACES) + len(COMMANDS) + len(FILES) >= 1400


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Where the valid files lie, written once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFVAE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.mktemp("good")


@pytest.mark.parametrize("reader", bad_files.READERS)
def test_what_is_damaged_below_can_be_read_as_it_was(good, tmp_path, reader):
    assert bad_files.read(reader, bad_files.copied(good, reader, tmp_path)) is not None


@pytest.mark.parametrize(
    ("reader", "file", "said", "damage"),
    bad_files.ROWS,
    ids=[": ".join(row[:3]) for row in bad_files.ROWS],
)
def test_a_damaged_file_is_refused_in_a_line_that_says_where(
    good, tmp_path, reader, file, said, damage
):
    folder = bad_files.copied(good, reader, tmp_path)
    damage(folder / file)
    with pytest.raises(UserError) as caught:
        bad_files.read(reader, folder)
    text = str(caught.value)
    assert str(folder) in text and "\n" not in text and len(text) < 2000, text


def test_there_is_a_row_for_every_reader():
    assert {row[0] for row in bad_files.ROWS} == set(bad_files.READERS)
    assert len(bad_files.ROWS) >= 250


# ------------------------------------------------------------------ diagnose


def _numbers():
    for name, (low, high) in examination.RANGES.items():
        below = low - 1 if isinstance(low, int) else -low
        for value in (below, high * 10, "nan", "inf", "x", "9" * 5000, ""):
            yield name, [f"--{name}={value}"]


@pytest.mark.parametrize(("name", "words"), _numbers(), ids=itertools.count())
def test_numbers_of_diagnose_are_refused_by_name(capfd, name, words):
    assert f"--{name}" in refuse(capfd, "diagnose", ["model.keras", *words])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a model of images 4x4 and data for it."""
    folder = tmp_path_factory.mktemp("saved")
    models.plain().save(folder / "model.keras")
    np.save(folder / "x.npy", models.images(8))
    return folder


def _code(path, done):
    """A model that runs code of its own when it is read: Keras calls it to learn its shape."""

    def code(x, done=done):
        __import__("os").makedirs(done, exist_ok=True)
        return x

    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(code)]).save(path)
    os.rmdir(done)


def _class_of_os(path, done):
    named = {"module": "os", "class_name": "system", "config": {"command": f"touch {done}"}}
    _repacked(path, **{"config.json": json.dumps(named | {"registered_name": "system"}).encode()})


def _repacked(path, **files):
    """The archive with other members; `None` leaves one out."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (held | files).items():
            if content is not None:
                archive.writestr(name, content)


MODELS = {
    "empty": lambda path, done: path.write_bytes(b""),
    "half": lambda path, done: path.write_bytes(path.read_bytes()[:4000]),
    "text": lambda path, done: path.write_text("a model"),
    "an empty zip": lambda path, done: path.write_bytes(bad_files.zipped()),
    "no weights": lambda path, done: _repacked(path, **{"model.weights.h5": None}),
    "damaged weights": lambda path, done: _repacked(path, **{"model.weights.h5": b"weights"}),
    "a list": lambda path, done: _repacked(path, **{"config.json": b"[]"}),
    "10^5 brackets": lambda path, done: _repacked(path, **{"config.json": b"[" * 100_000}),
    "a class of os": _class_of_os,
    "code": _code,
    "no VAE": lambda path, done: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(
        path
    ),
}


@pytest.mark.parametrize("damage", MODELS.values(), ids=MODELS)
def test_a_model_that_is_none_is_refused_and_nothing_of_it_is_run(capfd, saved, tmp_path, damage):
    path, done = tmp_path / "model.keras", tmp_path / "done"
    shutil.copy(saved / "model.keras", path)
    damage(path, str(done))
    said = refuse(capfd, "diagnose", [str(path), f"--data={saved}/x.npy"])
    assert str(path) in said and not done.exists()
    (tmp_path / "report.json").write_text('{"verdict": "healthy"}')
    with pytest.raises(UserError, match=re.escape(str(path))):
        zoo.load(str(tmp_path))


DATA = {
    "no channels": (np.zeros((8, 4, 4)), "x of shape [N, 4, 4, 1], got [8, 4, 4]"),
    "colour": (np.zeros((8, 4, 4, 3)), "x of shape [N, 4, 4, 1], got [8, 4, 4, 3]"),
    "larger": (np.zeros((8, 5, 4, 1)), "x of shape [N, 4, 4, 1], got [8, 5, 4, 1]"),
    "bytes": (np.full((8, 4, 4, 1), 255, np.uint8), "x must be"),
    "one example": (np.zeros((1, 4, 4, 1)), "x must hold at least 2 examples, got 1"),
}


@pytest.mark.parametrize(("x", "says"), DATA.values(), ids=DATA)
def test_data_that_are_not_of_the_model_are_refused(capfd, saved, tmp_path, x, says):
    np.save(tmp_path / "x.npy", x)
    words = [f"{saved}/model.keras", f"--data={tmp_path}/x.npy", f"--out={tmp_path}"]
    assert says in refuse(capfd, "diagnose", words)


@pytest.mark.parametrize("words", [["--out={}/x.npy"], ["--out=/proc/none"]])
def test_places_of_diagnose_are_refused_before_anything_is_measured(capfd, saved, words):
    words = [word.format(saved) for word in words]
    said = refuse(capfd, "diagnose", [f"{saved}/model.keras", f"--data={saved}/x.npy", *words])
    assert words[0].partition("=")[2] in said


@pytest.mark.parametrize("workdir", [None, 3, [], {}, "", "/nowhere", "gs://a/b", "a\0b"])
def test_what_is_no_run_directory_is_refused(workdir):
    for read in (zoo.load, zoo.words):
        with pytest.raises(UserError):
            read(workdir)
