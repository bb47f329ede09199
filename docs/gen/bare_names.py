"""Trains every model by its bare name; makes the table of results/bare_names.md and the pictures of models.

    python docs/gen/bare_names.py runs/bare_names [MODEL ...]

Without models: all of them, one after the other, each in a directory of its own. What is done is not run
again, and what was cut short goes on. Rows of models that were not run stay as they are.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import resource
import subprocess
import sys
from collections.abc import Sequence

from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
MODELS = sorted(path.stem for path in (ROOT / "zoo" / "models").glob("[!_]*.py"))
PAGE = ROOT / "docs" / "results" / "bare_names.md"
PICTURES = ROOT / "docs" / "assets" / "models"
SHOWN = ("reconstructions", "curves")  # the first that a run has
WIDEST, LARGEST = 760, 15_000  # pixels, bytes
COLOURS = 32, 24, 16, 8  # the most that are small enough
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def train(name: str, folder: pathlib.Path) -> bool:
    """Whether the run of that model is done; the seconds of CPU of the command are left in its directory."""
    if (folder / "report.json").exists():
        return True
    before = _used()
    words = [sys.executable, str(ROOT / "train_main.py"), f"--model={name}", f"--workdir={folder}"]
    words += ["--resume"] if (folder / "config.json").exists() else []
    done = subprocess.run(words, env={**os.environ, **ONE_THREAD}, check=False)
    file = folder / "cpu_seconds.json"
    earlier = json.loads(file.read_text()) if file.exists() else 0.0
    if folder.exists():
        file.write_text(json.dumps(earlier + _used() - before))
    return done.returncode == 0


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(name: str, folder: pathlib.Path) -> str:
    """Of the table: what the run's report says."""
    found = json.loads((folder / "report.json").read_text())
    seconds = json.loads((folder / "cpu_seconds.json").read_text())
    units = _of(found, "active_units", "latent_units") or _of(found, "codes_used", "num_codes")
    cells = [
        f"`{name}`",
        found["dataset"],
        _number(found.get("nll")) + " (given what it is told)" * bool(found.get("given_label")),
        *(_number(found.get(k)) for k in ("distortion", "rate", "mutual_information")),
        units or "-",
        _number(found.get("shuffle_gap")),
        f"{seconds:.0f}",
        found["verdict"],
    ]
    return f"| {' | '.join(cells)} |"


def _of(found: dict, used: str, there: str) -> str | None:
    return f"{found[used]:,} / {found[there]:,}" if found.get(there) else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def table(text: str, rows: dict[str, str]) -> str:
    """The page with these rows; rows of other models stay."""
    pattern = r"^\| `(\w+)` \|.*\n"
    held = {m[1]: m[0].rstrip() for m in re.finditer(pattern, text, re.M)} | rows
    begin = re.search(pattern, text, re.M).start()
    without = re.sub(pattern, "", text, flags=re.M)
    lines = "".join(f"{held[name]}\n" for name in sorted(held))
    return without[:begin] + lines + without[begin:]


def picture(name: str, folder: pathlib.Path) -> None:
    """A small one for the page of the model; its file says what it shows."""
    files = [folder / "figures" / f"{shown}.png" for shown in SHOWN]
    file = next(file for file in files if file.exists())
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob(f"{name}.*.png"):
        old.unlink()
    with Image.open(file) as held:
        held.thumbnail((WIDEST, WIDEST))
        own = PICTURES / f"{name}.{file.name}"
        for colours in COLOURS:
            few = held.convert("RGBA").quantize(colours, method=Image.Quantize.FASTOCTREE)
            few.save(own, optimize=True)
            if own.stat().st_size <= LARGEST:
                break


def main(out: str, names: Sequence[str]) -> int:
    failed, rows = [], {}
    for name in names or MODELS:
        folder = pathlib.Path(out) / name
        if train(name, folder):
            rows[name] = row(name, folder)
            picture(name, folder)
            PAGE.write_text(table(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
        else:
            failed.append(name)
    for name in failed:
        print(f"{name}: not done")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
