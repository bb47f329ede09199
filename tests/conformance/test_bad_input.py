"""What a user may type or leave lying about: each is one line on stderr and status 2, before anything runs.

Rows are made from the flags, from type and range of every setting, from what a setting belongs to, from
the commands and from the readers. A row of files is (name, what it writes into a folder and returns as
the words of a command).
"""

import dataclasses
import itertools
import typing

import pytest
from absl import flags

import train_main
from tfvae import examination
from zoo import compare, plan, values
from zoo.benchmarks import __main__ as benchmarks
from zoo.plan import Plan

MAINS = {
    "train": lambda words: train_main.main(["train_main", *words]),
    "benchmarks": lambda words: benchmarks.main(["benchmarks", *words]),
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


KINDS = (("vae", "digits"), ("lm", "pydoc"), ("vae", "fsdd"), ("vae", "pydoc"))


def _settings():
    """The values that each setting cannot have, on the first kind of data that has it."""
    seen = set()
    for model, dataset in KINDS:
        cls = plan.settings_class(model, dataset)
        hints = typing.get_type_hints(cls)
        for f in dataclasses.fields(cls):
            if f.name in seen:
                continue
            seen.add(f.name)
            for value in _wrong(hints[f.name], **f.metadata["range"]):
                words = [f"--model={model}", f"--dataset={dataset}", f"--set={f.name}={value}"]
                yield f.name, words


def _idle():
    """Every setting that nothing reads on a plain model, given the value that it has."""
    seen = set()
    for model, dataset in KINDS:
        resolved = plan.resolve(model, dataset=dataset)
        for f in dataclasses.fields(resolved.settings):
            if f.name in seen or not f.metadata["of"] or not plan.idle(resolved, f.name):
                continue
            seen.add(f.name)
            usual, choices = f.default, f.metadata["range"]["choices"]
            value = (choices[0] if choices else 2) if usual is None else values.text(usual)
            words = [f"--model={model}", f"--dataset={dataset}", f"--set={f.name}={value}"]
            yield f.name, words


WORDS = [*_flags(), *_settings()]
IDLE = list(_idle())


@pytest.mark.parametrize(("name", "words"), WORDS, ids=itertools.count())
def test_a_wrong_value_is_refused_by_name(capfd, name, words):
    assert name.lstrip("-") in refuse(capfd, "train", words)


@pytest.mark.parametrize(("name", "words"), IDLE, ids=[name for name, _ in IDLE])
def test_a_setting_that_nothing_reads_is_refused_with_what_it_belongs_to(capfd, name, words):
    said = refuse(capfd, "train", words)
    assert said.startswith(f"train_main: {name}=") and " has no effect: it belongs to " in said


def test_nothing_that_a_refusal_needs_is_slow():
    assert len(WORDS) >= 300
