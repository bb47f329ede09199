"""Golden runs: a few steps of every system of the zoo by its command, and what its report says then.

    python -m tests.goldens.systems [MODEL ...]         writes tests/goldens/systems.json anew (13 minutes)

After an intended change alone. `test_systems.py` (slow) runs them again and compares.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
FILE = HERE / "systems.json"
WORDS = (
    "--train_steps=6", "--eval_every=3", "--batch_size=16", "--nll_samples=2", "--nll_examples=10",
)  # fmt: skip
REPORTED = (
    "elbo",
    "distortion",
    "rate",
    "nll",
    "mutual_information",
    "parameters",
    "committed_rate",
)


def figures(model: str, folder: str) -> dict:
    """{row of metrics.jsonl and figure: value} of a short run, with figures of its report."""
    words = [sys.executable, "train_main.py", f"--model={model}", *WORDS, f"--workdir={folder}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{model}: {done.stderr[-1500:]}"
    found = {}
    for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        for kind in ("train", "valid"):
            for name, value in row.get(kind, {}).items():
                found[f"{row['stage']}/{row['step']}/{kind}/{name}"] = value
    report = json.loads((pathlib.Path(folder) / "report.json").read_text())
    found |= {f"report/{name}": report[name] for name in REPORTED}
    return {
        name: value
        for name, value in sorted(found.items())
        if value is None or (isinstance(value, (int, float)) and math.isfinite(value))
    }


def record(models) -> None:
    """Writes those models' figures."""
    held = json.loads(FILE.read_text()) if FILE.exists() else {}
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            held[model] = figures(model, f"{folder}/run")
        print(model, len(held[model]), flush=True)
        FILE.write_text(json.dumps(held, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    import zoo

    record(sys.argv[1:] or zoo.names())
