"""Run directories that were damaged: what is said, where the run goes on, and what is refused."""

import json
import pathlib
import re
import shutil

import pytest

from tests import models
from tfvae.checks import UserError
from tfvae.procedures import Joint
from tfvae.training import RunDirectory, train


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """(model, a run of 8 of its 10 steps, with a checkpoint every 2 and a row every step)."""
    import tensorflow as tf

    model, path = models.plain(), tmp_path_factory.mktemp("begun") / "run"
    directory = RunDirectory.create(str(path), {"model": "tiny"})
    data = tf.data.Dataset.from_tensors(models.images(4)).repeat()
    train(
        "only", model, Joint(seed=1), lambda start: data, 8, directory, dict, 1, 2, progress=False
    )
    return model, path


def _steps(*numbers):
    def check(path):
        return [json.loads(line)["step"] for line in (path / "metrics.jsonl").open()] == list(
            numbers
        )

    return check


def _each(name, text):
    def damage(path):
        for folder in path.glob("checkpoints/only/step_*"):
            (folder / name).write_text(text)

    return damage


def _remove(*names):
    def damage(path):
        for name in names:
            for found in path.glob(name):
                shutil.rmtree(found) if found.is_dir() else found.unlink()

    return damage


def _file(name):
    def damage(path):
        _remove(name)(path)
        (path / name).write_text("")

    return damage


def _folder(name):
    def damage(path):
        _remove(name)(path)
        (path / name).mkdir()

    return damage


def _renamed(old, new, copy=False):
    def damage(path):
        folder = path / "checkpoints" / "only"
        (shutil.copytree if copy else shutil.move)(folder / old, folder / new)

    return damage


def _rows(change):
    def damage(path):
        file = path / "metrics.jsonl"
        file.write_text("".join(change(file.read_text().splitlines(keepends=True))))

    return damage


# (what is done, the step from which it goes on, what is said, the steps of metrics.jsonl then)
GOES_ON = {
    "nothing": (lambda path: None, 8, None, range(1, 9)),
    "the newest under another step": (
        _renamed("step_8", "step_9"), 6, r"step_9 is damaged \(it is of step 8\)", range(1, 7)),
    "the oldest as the newest": (
        _renamed("step_6", "step_9", copy=True), 8, r"step_9 is damaged \(it is of step 6\)", range(1, 9)),
    "a copy of a step without end": (
        _renamed("step_8", "step_99999999999999999999", copy=True), 8, "it is of step 8", range(1, 9)),
    "the newest has lost its file": (
        _remove("checkpoints/only/step_8/state.index"), 6, "state.index is not as it was", range(1, 7)),
    "the newest is marked by another kind": (
        lambda path: (path / "checkpoints/only/step_8/complete.json").write_text("[1]"),
        6, "must hold a JSON object", range(1, 7)),
    "a torn row": (_rows(lambda rows: [*rows, '{"stage": "on']), 8, None, range(1, 9)),
    "a line of another kind": (
        _rows(lambda rows: [*rows[:3], "3\n", *rows[3:]]), 8, "line 4 is no row; dropped", range(1, 9)),
    "an empty object": (_rows(lambda rows: [*rows, "{}\n", "[]\n"]), 8, "line 9 is no row", range(1, 9)),
    "a row twice": (_rows(lambda rows: [*rows, rows[2]]), 8, None, range(1, 9)),
    "rows lost": (
        _rows(lambda rows: rows[2:7]), 8, "lost 3 of the 8 rows of stage 'only' up to step 8", range(3, 8)),
    "all rows lost": (_remove("metrics.jsonl"), 8, "has lost 8 of the 8 rows", ()),
    "rows lost and the newest damaged": (
        lambda path: (_rows(lambda rows: rows[1:])(path), _renamed("step_8", "step_9")(path)),
        6, r"step_9 is damaged[^\n]*\n[^\n]* has lost 1 of the 6 rows", range(2, 7)),
}  # fmt: skip


@pytest.mark.parametrize("name", GOES_ON)
def test_it_goes_on_from_what_is_whole_and_says_what_is_not(
    begun, tmp_path, capfd, monkeypatch, name
):
    damage, start, said, steps = GOES_ON[name]
    model, whole = begun
    path = pathlib.Path(shutil.copytree(whole, tmp_path / "run"))
    damage(path)
    monkeypatch.setattr(type(model), "fit", lambda *_, **__: None)
    directory = RunDirectory.resume(str(path), {"model": "tiny"})
    procedure = Joint(seed=1)
    asked = []
    stream = asked.append
    train("only", model, procedure, stream, 10, directory, dict, 1, 2, True, progress=False)
    *notes, last = capfd.readouterr().err.splitlines()
    assert last == f"only: goes on from step {start}" and asked == [start]
    assert int(procedure.step) == start
    assert _steps(*steps)(path)
    assert len(notes) == (0 if said is None else 1 + said.count("\\n]*\\n"))
    assert said is None or re.search(said, "\n".join(notes))


# (what is done, what the one line says)
REFUSED = {
    "every checkpoint torn": (
        _each("state.index", "x"),
        r"no checkpoint of stage 'only' in \S+ is whole \(step_6: state.index is not as it was written, "
        r"step_8: .*\), though it went beyond step 2; .*--workdir"),
    "every mark lost": (_remove("checkpoints/only/*/complete.json"), "step_6: no complete.json"),
    "every mark of another kind": (_each("complete.json", "3"), "must hold a JSON object"),
    "every mark empty of names": (_each("complete.json", "{}"), "host.json is not as it was written"),
    "every step another": (
        lambda path: (_renamed("step_8", "step_7")(path), _renamed("step_6", "step_5")(path)),
        "step_5: it is of step 6"),
    "one, torn": (
        lambda path: (_remove("checkpoints/only/step_8")(path), _each("complete.json", "")(path)),
        "step_6: "),
    "no checkpoints": (_remove("checkpoints"), "is whole .there is none., though it went beyond step 2"),
    "checkpoints a file": (_file("checkpoints"), "cannot read .*checkpoints.*: Not a directory"),
    "tensorboard a file": (_file("tensorboard"), "cannot write .*tensorboard: "),
    "metrics.jsonl a folder": (_folder("metrics.jsonl"), "cannot write .*metrics.jsonl: Is a directory"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_lost_is_refused_in_one_line_and_never_begun_anew(
    begun, tmp_path, monkeypatch, name
):
    damage, says = REFUSED[name]
    model, whole = begun
    path = pathlib.Path(shutil.copytree(whole, tmp_path / "run"))
    damage(path)
    monkeypatch.setattr(type(model), "fit", lambda *_, **__: pytest.fail("it trains"))
    directory = RunDirectory.resume(str(path), {"model": "tiny"})
    arguments = (lambda start: None, 10, directory, dict, 1, 2, True)
    with pytest.raises(UserError, match=says) as caught:
        train("only", model, Joint(seed=1), *arguments, progress=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [None, "step_2"])
def test_a_run_that_was_killed_before_its_first_checkpoint_begins_at_0_and_says_so(
    begun, tmp_path, capfd, monkeypatch, cut
):
    model, _ = begun
    directory = RunDirectory.create(str(tmp_path / "run"), {})
    directory.append_metrics({"stage": "only", "step": 1, "train": {}, "valid": {}})
    if cut:
        folder = tmp_path / "run" / "checkpoints" / "only" / cut
        folder.mkdir(parents=True)
        (folder / "host.json").write_text("{")
    monkeypatch.setattr(type(model), "fit", lambda *_, **__: None)
    arguments = (lambda start: start, 10, directory, dict, 1, 2, True)
    train("only", model, Joint(seed=1), *arguments, progress=False)
    assert capfd.readouterr().err.splitlines() == ["only: begins at step 0"]
    assert directory.metrics() == []


@pytest.mark.parametrize(
    "text", ["[]", "null", '"x"', "3", "", "[" * 100_000, '{"model": ', "\udcff"]
)
def test_a_config_of_another_kind_is_one_line(tmp_path, text):
    (tmp_path / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=r"config\.json") as caught:
        RunDirectory.resume(str(tmp_path), {"model": "a"})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_report_of_another_kind_is_of_no_finished_run(tmp_path):
    for text in ("", "[]", "null", "3", '{"verdict": ', "{}", '{"verdict": 3}'):
        (tmp_path / "report.json").write_text(text)
        assert RunDirectory.finished(str(tmp_path)) is None
    (tmp_path / "report.json").write_text('{"verdict": "healthy"}')
    assert RunDirectory.finished(str(tmp_path)) == {"verdict": "healthy"}
    assert RunDirectory.finished(str(tmp_path / "nowhere")) is None
