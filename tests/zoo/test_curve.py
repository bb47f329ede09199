"""tfvae curve: its points, its sentences, and what is no curve."""

import json

import numpy as np
import pytest
from absl import flags

from tests.zoo import finished
from tests.zoo.cut import killed_and_whole
from zoo.command import console, plan
from zoo.sweep import curve_page
from zoo.sweep.curve import Point


@pytest.fixture(autouse=True)
def fresh_flags():
    """absl's are those of the process."""
    yield
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()


EIGENVALUES = np.array([25.0, 16.0, 9.0, 4.0])


def _optimum(beta):
    """(rate, distortion) of the best linear VAE of variance 1: l_i > beta are coded (Lucas et al. 2019)."""
    left = np.minimum(EIGENVALUES, beta)
    return 0.5 * np.log(EIGENVALUES / left).sum(), 0.5 * left.sum() + 2 * np.log(2 * np.pi)


def _rows(betas, moved=()):
    rows = []
    for beta in betas:
        rate, distortion = _optimum(beta)
        distortion += dict(moved).get(beta, 0.0)
        figures = {"rate": rate, "distortion": distortion, "elbo": -rate - distortion}
        held = {name: (value, None, [value]) for name, value in figures.items()}
        reports = [{"verdict": "collapse" if rate == 0 else "healthy"}]
        rows.append({"beta": beta, "seeds": 1, "asked": 1, "reports": reports, **held})
    return rows


def test_between_two_optima_a_nat_of_rate_buys_what_the_betas_say():
    """Of k units that are coded at both, k/2 (b - a) / (k/2 ln(b / a)): the logarithmic mean of the betas."""
    betas = [0.1, 0.5, 1.0, 2.0, 3.5]
    found = curve_page.slopes(_rows(betas))
    expected = [(b - a) / np.log(b / a) for a, b in zip(betas, betas[1:])]
    assert found[:-1] == pytest.approx(expected) and found[-1] is None
    assert curve_page.slopes(_rows([50.0, 60.0])) == [None, None]  # nothing is coded at either


def test_what_is_not_at_its_optimum_is_named():
    said = curve_page.sentences(_rows([0.1, 0.5, 1.0, 30.0]))
    assert said == [
        "4 of 4 runs are done.",
        "The code is lost at beta = 30.",
        f"Highest ELBO: {-sum(_optimum(1.0)):.2f} nats, at beta = 1.",
    ]
    moved = _rows([0.1, 0.5, 1.0], {0.5: 1.0})
    said = curve_page.sentences(moved)
    assert len(said) == 4 and said[2].startswith("From beta = 0.1 to 0.5 a nat of rate buys")
    assert said[3].startswith("From beta = 0.5 to 1 ")
    assert len(curve_page.sentences(moved, plain=False)) == 2  # other terms: other optima


def test_the_files_of_a_curve(tmp_path, capsys):
    points = []
    for beta in (0.5, 1.0):
        plans = [
            plan.resolve("vae", [f"beta={beta:g}"], dataset="digits", backbone="mlp", seed=seed)
            for seed in (0, 1)
        ]
        points.append(Point(f"vae:beta={beta:g}", plans, beta))
    rate, distortion = _optimum(0.5)
    figures = {"rate": rate, "distortion": distortion, "elbo": -rate - distortion}
    finished.leave(tmp_path / "vae_beta=0.5_0", points[0].plans[0], **figures)
    text = curve_page.write(points, str(tmp_path))
    assert "1 of 4 runs are done." in text and f"| 0.5 | {rate:.2f} | {distortion:.2f} |" in text
    assert "2,000 steps" not in text and "2 seeds a beta" in text
    assert {p.suffix for p in tmp_path.glob("curve.*")} == {".md", ".csv", ".json", ".html", ".png"}
    page = (tmp_path / "curve.html").read_text()
    assert 'href="vae_beta=0.5_0/report.html"' in page and page.count("<img") == 1
    assert json.loads((tmp_path / "curve.json").read_text())[0]["beta"] == 0.5
    assert (tmp_path / "curve.csv").read_text().count("\n") == 2
    assert console.main(["show", str(tmp_path)]) == 0
    assert "Rate-distortion" not in (out := capsys.readouterr().out) and "1 of 4 runs" in out


def test_the_commands_of_a_curve_differ_in_beta_and_seed(tmp_path, capsys):
    words = ["--model=vae", "--betas=1,.1", "--seeds=2", "--train_steps=7", f"--out={tmp_path}"]
    assert console.main(["curve", *words, "--print_only"]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == [
        f"python train_main.py --model=vae --train_steps=7 --set=beta={beta} --seed={seed} "
        f"--workdir={tmp_path}/vae_beta={beta}_{seed}"
        for seed in (0, 1)
        for beta in ("0.1", "1")
    ]


REFUSED = (
    (["--model=vae", "--betas=1,x"], "numbers with commas"),
    (["--model=vae", "--betas=1"], "from 2 to"),
    (["--model=vae", "--betas=1,1.0"], "names 1 twice"),
    (["--model=vae", "--betas=1,-1"], "a beta of --betas must be"),
    (["--model=vae", "--betas=1,nan"], "a beta of --betas must be"),
    (["--model=vae", "--betas=1,2", "--set=beta=3"], "leave --set=beta out"),
    (["--model=vae", "--betas=1,2", "--workdir=a"], "--workdir is of one run"),
    (["--model=vae", "--betas=1,2", "--seeds=2", "--seed=1"], "leave --seed or --seeds out"),
    (["--model=lm", "--betas=1,2"], "rate_weight"),
    (["--model=vq_vae", "--betas=1,2"], "rate_weight"),
    (["--betas=1,2"], "--model is missing"),
    (["--model=vae"], "--betas"),
)


@pytest.mark.parametrize(("words", "says"), REFUSED)
def test_refused_in_one_line(words, says, capsys):
    try:
        status = console.main(["curve", *words])
    except SystemExit as stopped:  # argparse's own
        status = stopped.code
    assert status == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("curve: ") and says in said and "\n" not in said


@pytest.mark.slow
def test_a_curve_that_is_killed_goes_on_and_is_the_same(tmp_path):
    program = "import sys; from zoo.command import console; sys.exit(console.main(sys.argv[1:]))"
    words = [
        "-c",
        program,
        "curve",
        "--model=vae",
        "--dataset=digits",
        "--backbone=mlp",
        "--betas=0.5,2",
    ]
    words += ["--train_steps=40", "--batch_size=8", "--nll_samples=2", "--nll_examples=10"]
    words += ["--eval_every=5"]
    cut, whole = killed_and_whole(words, tmp_path, "vae_beta=2_0")

    def shown(out):
        held = json.loads((out / "curve.json").read_text())
        return [{k: v for k, v in row.items() if k != "train_seconds"} for row in held]

    assert json.dumps(shown(cut)) == json.dumps(shown(whole)) and len(shown(cut)) == 2
    for name in ("vae_beta=0.5_0", "vae_beta=2_0"):
        rows = [(out / name / "metrics.jsonl").read_bytes() for out in (cut, whole)]
        assert rows[0] == rows[1]
    assert "2 of 2 runs are done" in (cut / "curve.html").read_text()
