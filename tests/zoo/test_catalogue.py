"""What is read from the sources without TensorFlow is what is there when they are imported."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from tfvae.parts import PLACES, choices
from zoo import datasets, modalities, models
from zoo.catalogue import listed, sources
from zoo.command import completion, console, describe, parts_of_zoo

ROOT = pathlib.Path(__file__).parents[2]


def test_the_models_are_those_that_can_be_loaded():
    rows = listed.models()
    assert [row.name for row in sorted(rows)] == models.names()
    for row in rows:
        assert models.documentation(row.name).startswith(f"`{row.name}`: {row.line}")
        assert row.group == modalities.of(models.load(row.name).defaults.dataset).NAME


def test_the_data_sets_are_those_that_can_be_read():
    rows = {row.name: row for row in listed.datasets()}
    assert sorted(rows) == datasets.names()
    for name, row in rows.items():
        assert row.group == datasets.modality(name)
        assert ("made here" in row.line) == datasets.made_here(name)
    said = [row.line.partition(". ")[2] or row.line for row in rows.values()]
    assert len(set(said)) == len(said)  # no two sets are told in the same words
    assert rows["cifar10"].line.startswith("32 x 32 x 3 rgb8, 10 labels; its files in --data_dir")


def test_the_parts_are_those_of_the_places():
    parts_of_zoo.known()
    there = {
        (place, name, kind, describe.first_line(part))
        for place in PLACES
        for kind in modalities.NAMES
        for name, part in choices(place, kind).items()
    }
    said = {(r.group, r.name, r.kinds): r.line for r in listed.parts()}
    read = set()
    for (place, name, kinds), line in said.items():
        of_some = {k for p, n, some in said if (p, n) == (place, name) for k in some}
        for kind in kinds or set(modalities.NAMES) - of_some:
            read.add((place, name, kind, line))
    assert read == there and len(there) > 300


def test_what_a_package_announces_is_listed(tmp_path, monkeypatch):
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    groups = {"models": "MODEL", "datasets": "SET", "parts": "Part"}
    lines = [f"[tfvae.{g}]\ntheir_{g} = nowhere.at_all:{n}\n" for g, n in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, (_, read) in listed.LISTINGS.items():
        line = f"of the package theirs: nowhere.at_all:{groups[name]}"
        assert sources.Row(f"their_{name}", "of other packages", line) in read()


@pytest.mark.parametrize(
    ("words", "there", "absent"),
    [
        (["list", "models"], "    delta_vae            a latent sequence whose prior", "mnist"),
        (["list", "models", "--kind=text"], "    sentence_vae ", "delta_vae"),
        (["list", "datasets", "--kind=speech"], "    fsdd ", "    mnist "),
        (["list", "parts", "--kind=speech"], "    wavenet ", "gated_pixelcnn"),
        (["list", "parts", "--kind=speech"], "    adam ", "lstm"),
        (["list", "--kind=tables"], "    table ", "    images "),
        (["show", "mnist"], "tfvae train --model=vae --dataset=mnist --data_dir=DIR", "--data="),
        (["show", "table"], "--dataset=table --data=PATH", "Traceback"),
        (["show", "prior=ar1"], "committed_rate=2.0  delta in nats", "Traceback"),
        (["show", "linear"], "rate_weight=linear", "Traceback"),
        (["show", "lm"], "what makes it this model: posterior=none", "committed_rate"),
        (["show", "vq_vae"], "flagfiles: vq_vae", "Traceback"),
        (["--help"], "documents   nvdm", "Traceback"),
    ],
    ids=lambda held: " ".join(held) if isinstance(held, list) else "",
)
def test_it_says(capsys, words, there, absent):
    assert console.main(words) == 0
    said = capsys.readouterr()
    assert there in said.out and absent not in said.out and said.err == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list", "modles"], "list: unknown listing 'modles'; known: models, datasets, parts\n"),
        (["list", "--kind=sound"], "list: unknown --kind 'sound'; known: images, text, "),
        (["show"], "show: the following arguments are required: what\n"),
        (["show", "delta_vea"], "show: 'delta_vea' is no model, part or data set, and no direct"),
        (["show", "prior=ar2"], "show: 'prior=ar2' is no model, part or data set"),
        (["show", "ar1", "--dataset=digits"], "show: --dataset and --backbone are of a model"),
        (["show", "vae", "--dataset=digist"], "show: unknown dataset 'digist'"),
        (["show", "nowhere:RECIPE"], "show: model nowhere:RECIPE: nowhere cannot be imported"),
        (
            ["compare", "--models=vae", "--seed=3"],
            "compare: unrecognized arguments: --seed=3; did you mean --seeds?\n",
        ),
        (
            ["compare", "--models=vae", "--workdir=x"],
            "compare: unrecognized arguments: --workdir=x; did you mean --out?\n",
        ),
        (
            ["compare", "--models=vae", "--colour=x"],
            "compare: unrecognized arguments: --colour=x\n",
        ),
        (["diagnose", "x", "--example=3"], "diagnose: unrecognized arguments: --example=3\n"),
        (["completion", "tcsh"], "completion: argument shell: invalid choice: 'tcsh'"),
    ],
    ids=lambda held: " ".join(held) if isinstance(held, list) else "",
)
def test_it_refuses_in_one_line(capsys, words, says):
    try:
        assert console.main(words) == 2
    except SystemExit as stopped:  # argparse
        assert stopped.code == 2
    said = capsys.readouterr().err
    assert said.startswith(says) and said.count("\n") == 1


REPORT = {
    "verdict": "collapse",
    "model": "vae",
    "dataset": "digits",
    "rate": 0.0123,
    "nll": 21.5,
    "nll_is_exact": False,
    "mutual_information": 0.01,
    "mutual_information_ceiling": 5.99,
    "active_units": 0,
    "latent_units": 32,
    "shuffle_gap": 0.02,
}


def test_a_run_is_shown_as_a_table(capsys, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert console.main(["show", str(tmp_path)]) == 2
    assert "it was cut short, and goes on by --resume" in capsys.readouterr().err
    for name in ("nll", None):
        held = {key: value for key, value in REPORT.items() if key != name}
        (tmp_path / "report.json").write_text(json.dumps(held))
        assert console.main(["show", str(tmp_path)]) == (2 if name else 0)
    refused = capsys.readouterr()
    assert "report.json is of no run: it holds no 'nll'\n" in refused.err
    said = refused.out.split("\n")
    assert said[0].startswith(
        "vae on digits: Posterior collapse: the latent tells the decoder next"
    )
    assert [line.split()[:3] for line in said if line.startswith(("NLL", "rate"))] == [
        ["NLL", "21.5", "nats"],
        ["rate", "0.0123", "nats"],
    ]


def test_nothing_of_it_needs_tensorflow():
    code = (
        "import sys; from zoo.command import console; "
        "[console.main(w.split(',')) for w in ('list', '--help', 'show,mnist', 'completion,bash')]; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT)
    assert done.returncode == 0 and done.stderr == b""


COMPLETED = [
    ("tfvae sh", "show"),
    ("tfvae train --flagf", "--flagfile"),
    ("tfvae train --model=delta", "delta_vae"),
    ("tfvae train --model=vae --dataset=omni", "omniglot"),
    ("tfvae train --set=prior=ar", "ar1"),
    ("tfvae diagnose --gap_e", "--gap_examples"),
    ("tfvae compare --budget", "--budget_minutes"),
    ("tfvae compare --launch", "--launcher"),
    ("tfvae list data", "datasets"),
    ("tfvae list --kind=doc", "documents"),
    ("tfvae show some_f", "some_file"),
    ("tfvae diagnose --out=some_f", "some_file"),
    ("tfvae completion f", "fish"),
    ("tfvae list --model", ""),
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed to read its script")
def test_bash_completes(tmp_path):
    (tmp_path / "some_file").touch()
    lines = [completion.script("bash")]
    for line, _ in COMPLETED:
        lines.append(f'COMP_LINE="{line}" COMP_POINT=${{#COMP_LINE}}')
        lines += [f"COMP_POINT={len(line)}", "_tfvae", 'echo "${COMPREPLY[*]}"']
    done = subprocess.run(
        ["bash", "--norc", "-u"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stderr == ""
    assert done.stdout.split("\n")[:-1] == [wanted for _, wanted in COMPLETED]


def _where_it_is(shell):
    missing = f"{shell} is not installed to read its script"
    return pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=missing))


@pytest.mark.parametrize("shell", map(_where_it_is, ["zsh", "fish"]))
def test_other_shells_read_their_script(shell, tmp_path):
    script = completion.script(shell)
    done = subprocess.run([shell], input=script, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("command", ["diagnose", "compare", "sweep"])
def test_the_flags_that_are_completed_are_those_of_the_command(command, capsys):
    with pytest.raises(SystemExit):
        console.main([command, "--help"])
    said = capsys.readouterr().out
    flags = completion.flags_of(console.COMMANDS[command][1])
    shown = set(re.findall(r"^  (?:-h, )?(--[a-z_]+)", said, re.M))
    assert {f"--{flag}" for flag in flags} == shown
