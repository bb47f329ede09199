"""Several seeds of one model: the runs that the flags say, what is missing, what all of them say together."""

import csv
import dataclasses
import json
import math
import statistics

import pytest
from absl import flags

import train_main
from tests.zoo import finished
from tfvae.checks import UserError
from zoo.command.seeds import seeds
from zoo.comparison import seeds as command
from zoo.comparison import spread
from zoo.comparison.launchers import Launcher

WORDS = (
    "--model=vae", "--backbone=mlp", "--train_steps=7", "--batch_size=8", "--set=latent_width=3",
    "--set=prior=vamp", "--set=num_pseudo_inputs=5", "--eval_every=3", "--nll_samples=4",
    "--precision=mixed_bfloat16", "--nodeterministic", "--information_batch=9",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Made(Launcher):
    """Leaves finished runs instead of making them, but for some seeds."""

    ran: list = dataclasses.field(default_factory=list)
    fails: tuple = ()
    lost: tuple = ()

    def run(self, tasks, out, ended):
        for task in tasks:
            seed = task.plan.seed
            self.ran.append(task)
            if seed not in self.fails:
                verdict = "collapse" if seed in self.lost else "healthy"
                finished.leave(task.workdir, task.plan, verdict, nll=10.0 + seed, rate=1.0)
            ended(task, "no room" if seed in self.fails else None)


def _parsed(*words):
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    train_main.parse(["train_main.py", *words])
    return train_main.resolved()


def _run(out, numbers, launcher, resume=False, words=WORDS):
    first = dataclasses.replace(_parsed(*words), workdir=str(out))
    plans = [dataclasses.replace(first, seed=number) for number in numbers]
    return command.run_seeds(plans, train_main.given_words(), launcher, resume)


@pytest.mark.parametrize(
    ("text", "found"),
    [("3", [0, 1, 2]), ("0,1,7", [0, 1, 7]), ("7,", [7]), ("1", [0]), ("9,2", [9, 2])],
)
def test_a_number_says_how_many_and_commas_say_which(text, found):
    assert seeds(text) == found


def test_each_run_is_what_the_flags_say_with_its_own_seed(tmp_path, capfd):
    """All flags reach the runs, those too that config.json alone would miss."""
    launcher = Made()
    assert _run(tmp_path / "a", [2, 5], launcher) == 0
    for task, seed in zip(launcher.ran, (2, 5), strict=True):
        *_, last = words = task.words.split()
        assert words[:2] == ["python", "train_main.py"]
        assert last == f"--workdir={tmp_path}/a/vae_{seed}"
        again = _parsed(*words[2:])
        assert again == dataclasses.replace(task.plan, workdir=f"{tmp_path}/a/vae_{seed}")
        assert again.precision == "mixed_bfloat16" and again.eval_every == 3
        assert again.seed == seed and not again.deterministic and again.nll_samples == 4


def test_figures_over_seeds_are_the_textbook_s():
    one = spread.Spread.of([1.0, 2.0, 3.0, 4.0])
    sd = math.sqrt((1.5**2 + 0.5**2 + 0.5**2 + 1.5**2) / 3)
    assert (one.n, one.mean, one.low, one.high) == (4, 2.5, 1.0, 4.0)
    assert one.sd == pytest.approx(sd) and one.error == pytest.approx(sd / 2)
    alone = spread.Spread.of([3.0])
    assert alone.sd is None and alone.error is None
    held = spread.spreads([{"seed": 9, "nll": 1.0, "verdict": "a"}, {"nll": None, "rate": True}])
    assert {k: s.n for k, s in held.items()} == {"nll": 1}


def test_the_report_holds_every_seed_and_says_where_they_disagree(tmp_path, capfd):
    assert _run(tmp_path, [0, 1, 4], Made(lost=(1,), fails=(4,))) == 1
    said = capfd.readouterr()
    assert f"failed: {tmp_path}/vae_4: no room" in said.err
    assert "2 of 3 runs are done." in said.out and "do not agree: " in said.out
    assert (
        "healthy 1 of 2, collapse 1 of 2" in said.out
        or "collapse 1 of 2, healthy 1 of 2" in said.out
    )
    text = (tmp_path / "seeds.md").read_text()
    assert f"| NLL | 10.50 | {statistics.stdev([10, 11]):.2f} | 0.50 | 10.00 | 11.00 | 2 |" in text
    assert "| 1 | collapse | 11.00 | 1.00 |" in text and "| 4 | not done | - | - |" in text
    held = json.loads((tmp_path / "seeds.json").read_text())
    assert held["verdicts"] == {"0": "healthy", "1": "collapse"} and held["seeds"] == [0, 1, 4]
    assert held["figures"]["nll"]["error"] == pytest.approx(0.5)
    rows = list(csv.DictReader((tmp_path / "seeds.csv").read_text().splitlines()))
    assert [(row["seed"], row["nll"]) for row in rows] == [("0", "10.0"), ("1", "11.0")]
    page = (tmp_path / "seeds.html").read_text()
    assert 'href="vae_1/report.html"' in page and page.count("data:image/png") == 2


def test_what_is_missing_is_made_and_more_seeds_are_added(tmp_path, capfd):
    assert _run(tmp_path, [0, 1], Made(fails=(1,))) == 1
    with pytest.raises(UserError, match="holds seeds already; go on with them by --resume"):
        _run(tmp_path, [0, 1], Made())
    again = Made()
    assert _run(tmp_path, [0, 1, 2], again, resume=True) == 0
    assert [task.plan.seed for task in again.ran] == [1, 2]
    other = [word.replace("latent_width=3", "latent_width=4") for word in WORDS]
    with pytest.raises(UserError, match="latent_width is 3, not 4"):
        _run(tmp_path, [0, 1, 2], Made(), resume=True, words=other)
    assert "3 of 3 runs are done" in (tmp_path / "seeds.md").read_text()
