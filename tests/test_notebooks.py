"""The notebooks: what they name exists, what they train is a plan; slow: each runs, and stderr is silent."""

import ast
import json
import pathlib
import re

import pytest

import tfvae
import zoo
from tests.conformance import bad_files
from zoo.command import run

FOLDER = pathlib.Path(tfvae.__file__).parent.parent / "notebooks"
NAMES = ["rescue_a_collapsed_vae", "text_interpolation", "your_own_images"]


WHAT, WHEN = r"\w+ \w+ \w+", "(at night|in the morning|all day)"
SENTENCE = re.compile(
    rf"the {WHAT} near the \w+ {WHEN} \.|{WHEN} the {WHAT} near the \w+ \.|near the \w+ a {WHAT} {WHEN} \."
)
"""Of the three forms in which the notebook of text writes."""


def _cells(name):
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def _code(name):
    return ["".join(cell["source"]) for cell in _cells(name) if cell["cell_type"] == "code"]


def test_these_are_all():
    assert sorted(p.stem for p in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_kept(name):
    code = [cell for cell in _cells(name) if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_exists(name):
    known, asked = {"zoo": zoo, "tfvae": tfvae, "run": zoo.Run, "collapsed": zoo.Run}, 0
    for node in ast.walk(ast.parse("\n".join(_code(name)))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            if owner is not None and node.attr not in ("workdir", "report"):
                assert hasattr(owner, node.attr), f"{node.value.id}.{node.attr}"
                asked += 1
    assert asked >= 3


@pytest.mark.parametrize("name", NAMES)
def test_what_is_trained_is_a_plan(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits_as_png").mkdir()
    for i in range(10):
        (tmp_path / "digits_as_png" / f"{i}.png").write_bytes(bad_files.picture())
    (tmp_path / "sentences.txt").write_text("a cat sleeps .\n" * 10)
    said, plans = {}, []
    body = ast.parse("\n".join(_code(name))).body
    for node in body:  # the constants that a reader may change
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper():
            exec(compile(ast.Module([node], []), name, "exec"), said)
    for node in (n for tree in body for n in ast.walk(tree)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "zoo.train":
            plan = "resolved_of" + ast.unparse(node).removeprefix("zoo.train")
            plans.append(eval(plan, {**said, "resolved_of": run.resolved_of}))
    assert plans and all(plan.train_steps == said["TRAIN_STEPS"] for plan in plans)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_says_nothing_on_stderr(name, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="pip install 'tfvae[notebooks]'")
    client = pytest.importorskip("nbclient", reason="pip install 'tfvae[notebooks]'")
    book = nbformat.read(FOLDER / f"{name}.ipynb", 4)
    place = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(book, timeout=1200, resources=place).execute()
    outputs = [each for cell in book.cells for each in cell.get("outputs", [])]
    said = "".join(each.text for each in outputs if each.output_type == "stream")
    assert not [each.text for each in outputs if each.get("name") == "stderr"]
    assert not re.search(r"warning|deprecated|traceback", said, re.I)
    assert "train [####################]" in said
    assert sum("image/png" in each.get("data", {}) for each in outputs) >= 1
    if name == "rescue_a_collapsed_vae":
        rates = re.search(r"^rate +(\S+) +(\S+)$", said, re.M)
        gaps = re.search(r"^shuffle_gap +(\S+) +(\S+)$", said, re.M)
        assert float(rates[1]) < 0.1 and float(rates[2]) >= 2.0
        assert float(gaps[1]) < 0.5 and float(gaps[2]) > 5.0
    if name == "text_interpolation":
        way = re.findall(r"^\d\.\d+ (.+)$", said, re.M)
        assert len(way) == 9 and len(set(way)) >= 4
        assert sum(bool(SENTENCE.fullmatch(line)) for line in way) >= 8
        ends = re.search(r"^from: (.+)$", said, re.M)[1], re.search(r"^to: +(.+)$", said, re.M)[1]
        assert (way[0], way[-1]) == ends
