"""Pages: what a template is given is escaped, commands can be pasted, and a browser shows all of it."""

import functools
import io
import json
import re
import shlex
import shutil
import subprocess
from unittest import mock

import jinja2
import numpy as np
import pytest
from PIL import Image

from tests import models
from tests.zoo import finished
from tfvae import diagnosis
from tfvae.diagnosis import drawing, page
from tfvae.values import number
from zoo.command import explore_sections, plan
from zoo.comparison import page as comparison
from zoo.sweep import curve_page
from zoo.sweep.curve import Point

_BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
_COMMAND = (
    "python train_main.py --model=delta_vae --dataset=digits --backbone=gated_pixelcnn --size=tiny "
    "--train_steps=1000 --data='a folder with a long name/and another' --set=committed_rate=2"
)
REPORT = {
    "model": "delta_vae",
    "dataset": "digits",
    "split": "test",
    "verdict": "collapse",
    "num_examples": 400,
    "elbo": -22.4,
    "elbo_stderr": 0.2,
    "distortion": 22.4,
    "rate": 0.01,
    "rate_per_group": [0.01, 0.0],
    "rate_is_exact": True,
    "mutual_information": -0.001,
    "mutual_information_ceiling": 6.0,
    "active_units": 0,
    "latent_units": 2,
    "shuffle_gap": -0.004,
    "nll": 22.3,
    "nll_is_exact": False,
    "nll_num_samples": 5,
    "nll_num_examples": 10,
}


def test_a_long_command_is_what_it_was_when_a_shell_reads_it():
    said = page._shell(_COMMAND)
    assert max(map(len, said.splitlines())) <= 76 and said.count("\\\n") >= 2
    read = shlex.split(said.replace("\\\n", " "))
    assert read == shlex.split(_COMMAND)
    short = "tfvae list"
    assert page._shell(short) == short


@pytest.mark.parametrize(
    ("value", "said"),
    [(-0.004, "0.00"), (0.0, "0.00"), (-0.006, "-0.01"), (-1234.5, "-1,234.50"), (2.0, "2.00")],
)
def test_nothing_has_no_sign(value, said):
    assert number(value) == said


def test_a_value_that_a_template_lacks_is_no_empty_place():
    with pytest.raises(jinja2.UndefinedError, match="remedies"):
        page.render("report", title="a", subtitle="", verdict="b")


def test_spreads_break_before_their_sign_and_names_at_their_settings():
    assert page._breakable("1.00 ± 0.10") == "1.00 ±&nbsp;0.10"
    assert page._breakable("<b>:c=1") == "&lt;b&gt;:<wbr>c=1"


def _ink(png: bytes) -> np.ndarray:
    """[N, 3] of what is not transparent."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), float)
    assert (pixels[..., 3] == 0).mean() > 0.5
    return pixels[pixels[..., 3] == 255][:, :3]


def _contrast(colours: np.ndarray, ground: float) -> np.ndarray:
    """WCAG 2: (L1 + 0.05) / (L2 + 0.05), of sRGB."""
    linear = np.where(
        colours / 255 <= 0.04045, colours / 255 / 12.92, ((colours / 255 + 0.055) / 1.055) ** 2.4
    )
    one = linear @ (0.2126, 0.7152, 0.0722)
    return (np.maximum(one, ground) + 0.05) / (np.minimum(one, ground) + 0.05)


def test_figures_are_read_on_a_light_page_and_on_a_dark_one():
    """Graphics want a contrast of 3 (WCAG 1.4.11): the ink and each colour on white and on #121212."""
    colours = (drawing.BLUE, drawing.ORANGE, drawing.GREEN, drawing.VIOLET, drawing._INK)
    values = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], float)
    assert _contrast(values, 1.0).min() > 2.7  # orange on white is the least
    assert _contrast(values, 0.006).min() > 3.0
    rows = [{"stage": "train", "step": 1, "train": {}, "valid": {}}]
    made = diagnosis.figures(REPORT, rows, {}, plane=(np.eye(4)[:, :2], np.array([0, 0, 1, 1])))
    assert {"code_map", "curves"} <= made.keys()
    for png in made.values():
        ink = _ink(png)
        assert not (ink.max(1) < 40).any()  # what is black is not seen at night


def test_the_map_of_codes_has_a_colour_for_each_label():
    rng = np.random.default_rng(0)
    points, label = rng.normal(size=(300, 2)), np.repeat([0, 1, 2], 100)

    def hues(labels) -> int:
        png = diagnosis.figures(REPORT, [], {}, plane=(points, labels))["code_map"]
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), float).reshape(-1, 4)
        dots = pixels[(pixels[:, 3] > 150) & (np.ptp(pixels[:, :3], 1) > 60), :3]
        found, counts = np.unique(dots.argmax(1) * 3 + dots.argmin(1), return_counts=True)
        return len(found[counts > 400])

    assert hues(label) == 3  # blue, orange and green
    assert hues(None) == hues(np.arange(300)) == 1  # labels of which each has an example of its own


def test_every_column_has_a_name_and_what_is_empty_is_no_sentence():
    """A reader of the page aloud says the name of the column before each cell."""
    drawn = re.search(r"Rows from the prior.*?</table>", _report(), re.S)[0]
    heads = re.findall(r"<th scope=col>([^<\n]*)", drawn)
    assert heads[:2] == ["row", "a_long_column_0"] and len(heads) == 15
    assert drawn.count("<td>") == 15 and "(empty)" in drawn and "sentence" not in drawn
    said = re.search(r"Sentences from the prior.*?</table>", _report(), re.S)[0]
    assert said.count("(an empty sentence)") == 1 and "<th" not in said
    for made in (_report, _comparison):
        assert not re.search(r"<th[^>]*>\s*(<|$)", made(), re.M)


def test_what_is_said_of_a_label_is_what_holds_for_the_model():
    """A classifier of x draws nothing; a model that is told a label has no p(x)."""
    known = {"accuracy": 0.9, "accuracy_of_draws": 0.9, "label_distortion": 0.3}
    few = diagnosis.html({**REPORT, **known, "given_label": True}, {}, {})
    assert "which reads x" in few and "q(y|x)" in few and "12 draws" not in few
    assert few.count("given what the model is told") == 3  # the sentence, NLL and ELBO
    of_code = diagnosis.html({**REPORT, **known, "label_information_bits": 1.0}, {}, {})
    assert "which reads x" not in of_code and "12 draws" in of_code
    assert "given what the model is told" not in of_code


# ------------------------------------------------------------------ in a browser


@functools.cache
def _report() -> str:
    rng = np.random.default_rng(0)
    images = {
        "reconstructions": rng.random((3, 8, 8, 8, 1)),
        "samples": rng.random((4, 8, 8, 8, 1)),
    }
    rows = [{"stage": "train", "step": s, "train": {"rate": 1.0}, "valid": {}} for s in (1, 2)]
    plane = rng.normal(size=(50, 2)), rng.integers(0, 3, 50)
    config = {"command": _COMMAND, "remedies": [(_COMMAND, "because")], "citation": "Someone 2020"}
    figures = diagnosis.figures(REPORT, rows, images, plane=plane)
    heads = ["row", *(f"a_long_column_{i}" for i in range(14))]
    texts = {
        "rows_drawn": [heads, ["draw", *["a long category"] * 13, ""]],
        "samples": [["draw", "a sentence of some length that goes over lines"], ["likeliest", ""]],
    }
    return diagnosis.html(REPORT, config, figures, texts)


@functools.cache
def _comparison() -> str:
    figure = (1.0, 0.1, [0.9, 1.1])
    keys = ("nll", "rate", "distortion", "elbo", "mutual_information", "train_seconds")
    rows = [
        {"model": f"a_vae:with={i}:settings={i}", "verdict": "healthy"}
        | dict.fromkeys(keys, figure)
        for i in range(3)
    ]
    return comparison.html(rows, {}, [(key, key) for key in keys], "about", ["3 of 3 are done."])


@functools.cache
def _diagnosis() -> str:
    evidence = (
        "rate 0.010 nats, mutual information -0.001 (of at most 6.00), 0 of 2 units active",
    )
    report = {
        **REPORT, "active_units_sweep": {"0.001": 2, "0.01": 1, "0.1": 0},
        "amortisation_gap": 0.5, "approximation_gap": 0.1, "full_gaps": {},
    }  # fmt: skip
    found = diagnosis.Diagnosis(
        "model collapse", "the code is empty", evidence, (), ((_COMMAND, "because"),), report
    )
    return diagnosis.diagnosis_html(found, "a model", diagnosis.examination(report, None))


@functools.cache
def _explore() -> str:
    """Of pictures and of sentences."""
    model, x = models.plain(), models.images(40)
    known = explore_sections.Examples(x, known=np.arange(40) % 3, levels=1.0)
    said = known._replace(levels=None, words=lambda x: ["eleven words of a sentence " * 3] * len(x))
    quick = {"Gaussian mixture": explore_sections._mixture}
    with mock.patch.object(explore_sections, "_FITS", quick):
        found = [*explore_sections.sections(model, known, "pca", 0)]
        found += explore_sections.sections(model, said, "pca", 0)
    more = {"title": "vae", "subtitle": "40 examples", "verdict": diagnosis.sentence(REPORT)}
    return page.render("explore", "zoo", sections=found, **more)


def _curve(out) -> str:
    points = []
    for beta in (0.1, 1.0, 10.0):
        made = plan.resolve("vae", [f"beta={beta:g}"], dataset="digits", backbone="mlp")
        points.append(Point(f"vae:beta={beta:g}", [made], beta))
        keys = ("rate", "distortion", "elbo", "nll", "mutual_information", "active_units")
        finished.leave(out / f"vae_beta={beta:g}_0", made, **dict.fromkeys(keys, 10.0 / beta))
    curve_page.write(points, str(out))
    return (out / "curve.html").read_text()


_PAGES = {
    "report": lambda out: _report(),
    "comparison": lambda out: _comparison(),
    "diagnosis": lambda out: _diagnosis(),
    "explore": lambda out: _explore(),
    "curve": _curve,
}
_ASKED = """<script>addEventListener('load', () => {
const images = [...document.images];
document.title = 'found ' + JSON.stringify({
  wide: document.documentElement.scrollWidth - innerWidth,
  broken: images.filter(i => !i.complete || !i.naturalWidth).length, images: images.length,
  verdict: document.querySelector('.verdict').getBoundingClientRect().bottom, high: innerHeight,
  below: images.length ? images[0].getBoundingClientRect().top
    < document.querySelector('table').getBoundingClientRect().top : true})})</script>"""


def _browse(*words) -> str:
    command = [_BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120)
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(_BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("made", _PAGES.values(), ids=_PAGES)
def test_a_browser_shows_all_of_it(tmp_path, made, width):
    """No page is wider than its window, the verdict is seen at once, grids come before the table."""
    file = tmp_path / "page.html"
    # a window of Chromium is at least 500 wide; a frame is as wide as it is told
    file.write_text(made(tmp_path) + _ASKED)
    frame = f"<iframe src=page.html width={width} height=800 style='border:0' onload=\"\
setTimeout(() => document.title = frames[0].document.title, 500)\"></iframe>"
    (tmp_path / "frame.html").write_text(frame)
    shown = _browse(
        "--allow-file-access-from-files", "--virtual-time-budget=5000", "--window-size=1400,900",
        "--dump-dom", (tmp_path / "frame.html").as_uri(),
    )  # fmt: skip
    found = json.loads(re.search(r"<title>found (.*?)</title>", shown)[1].replace("&quot;", '"'))
    assert found["wide"] <= 0 and not found["broken"], found
    assert 0 < found["verdict"] < found["high"] and found["below"], found


@pytest.mark.slow
@pytest.mark.skipif(_BROWSER is None, reason="needs chromium")
def test_it_is_printed_on_paper(tmp_path):
    (tmp_path / "page.html").write_text(_report())
    _browse(f"--print-to-pdf={tmp_path / 'page.pdf'}", (tmp_path / "page.html").as_uri())
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF") and 1 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 8
