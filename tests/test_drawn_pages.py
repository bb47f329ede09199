"""What the build of the documentation makes: the drawing, and the figures on the page of a model."""

import importlib.util
import json
import re

import pytest
from PIL import Image

from tests.pages import ROOT, anchors, blocks
from zoo import models


def _script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "gen" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


drawing, measured, bare_names = map(_script, ("drawing", "measured", "bare_names"))
(SOURCE,) = blocks("docs/architecture.md", "mermaid")


def test_arrows_point_down_and_boxes_do_not_touch():
    arrows = drawing.read(SOURCE)
    assert len(arrows) == SOURCE.count("-->") and ("zoo.command", "zoo.models") in arrows
    graph = drawing.layered(arrows)
    for line in graph.arrows:
        assert [point[0] for point in line] == list(range(line[0][0], line[-1][0] + 1))
    x = drawing.placed(graph)
    for layer in graph.layers:
        for one, other in zip(layer, layer[1:]):
            apart = x[other] - x[one] - (drawing.width(one) + drawing.width(other)) / 2
            assert apart > 0, (one, other)


def test_every_box_and_arrow_is_drawn_within_the_picture():
    said = drawing.svg(SOURCE)
    names = {name for arrow in drawing.read(SOURCE) for name in arrow}
    assert set(re.findall(r">([\w.]+)</text>", said)) == names
    assert said.count("marker-end") == SOURCE.count("-->")
    wide = float(re.search(r'viewBox="0 0 (\d+)', said)[1])
    for left, width in re.findall(r'<rect x="([-\d.]+)" y="\d+" width="([\d.]+)"', said):
        assert float(left) >= 0 and float(left) + float(width) <= wide


@pytest.mark.parametrize(
    ("arrows", "crossed"),
    [
        ("a --> d\n a --> e\n b --> c\n c --> f\n b --> g", 0),
        ("a --> y\n b --> x\n b --> y\n c --> x", 0),
        ("a --> x\n a --> y\n b --> x\n b --> y", 1),  # K(2, 2) cannot be drawn without
    ],
)
def test_what_can_be_untangled_is(arrows, crossed):
    graph = drawing.layered(drawing.read(f"graph TD\n {arrows}"))
    assert drawing.crossings(graph) == crossed


def test_another_drawing_is_refused():
    with pytest.raises(ValueError, match="expected `graph TD`"):
        drawing.read("graph LR\n a --> b")
    with pytest.raises(ValueError, match="one --> other"):
        drawing.read("graph TD\n a -.-> b")


def test_the_rows_of_a_model_are_found():
    head, rows = (
        "| model | NLL |\n|---|---|",
        "| `vae` | 1 |\n| the same, longer | 2 |\n| `vae_x`, 3 | 3 |",
    )
    (table,) = measured._of_page(
        "x.md", f"# Page\n\nwords\n\n## A part, two\n\n{head}\n{rows}\n\n```\n{head}\n```"
    )
    assert table[:3] == ("x.md", "Page: A part, two", "a-part-two")
    assert measured.rows_of("vae", table) == ["| `vae` | 1 |", "| the same, longer | 2 |"]
    assert measured.rows_of("vae_x", table) == ["| `vae_x`, 3 | 3 |"]
    assert measured.rows_of("lm", table) == []


def test_the_tables_of_the_pages_are_linked_where_they_stand():
    found = list(measured.tables())
    assert {table.page for table in found} >= {"digits.md", "eight.md", "text.md"}
    for table in found:
        assert table.title and (
            not table.anchor or table.anchor in anchors(f"docs/results/{table.page}")
        )
    (digits,) = [table for table in found if table.page == "digits.md"]
    assert len(measured.rows_of("delta_vae", digits)) == 2  # with the fitted prior
    assert "../results/ptb.md)" in " ".join(measured.named("cyclical_vae"))


def test_rows_and_pictures_of_runs_by_bare_name(tmp_path, monkeypatch):
    folder, pictures = tmp_path / "runs" / "vae", tmp_path / "pictures"
    (folder / "figures").mkdir(parents=True)
    figures = {
        "dataset": "digits",
        "nll": 22.891,
        "distortion": 19.0,
        "rate": 4.3,
        "verdict": "healthy",
    }
    figures |= {"active_units": 1200, "latent_units": 3200, "mutual_information": None}
    (folder / "report.json").write_text(json.dumps(figures))
    (folder / "cpu_seconds.json").write_text("26.4")
    made = bare_names.row("vae", folder)
    assert (
        made == "| `vae` | digits | 22.89 | 19.00 | 4.30 | - | 1,200 / 3,200 | - | 26 | healthy |"
    )
    told = {**figures, "given_label": True}
    (folder / "report.json").write_text(json.dumps(told))
    assert "| 22.89 (given what it is told) |" in bare_names.row("vae", folder)
    (folder / "report.json").write_text(json.dumps(figures))
    page = (
        "words\n\n| model | NLL |\n|---|---|\n| `acn` | 1 |\n| `vae` | 2 |\n\nmore `vae` | words\n"
    )
    assert bare_names.table(page, {"vae": made, "lm": "| `lm` | 3 |"}) == page.replace(
        "| `vae` | 2 |", f"| `lm` | 3 |\n{made}"
    )
    for shown in ("curves", "reconstructions"):
        monkeypatch.setattr(bare_names, "PICTURES", pictures)
        Image.new("RGBA", (900, 300), (0, 0, 0, 0)).save(folder / "figures" / f"{shown}.png")
        bare_names.picture("vae", folder)
        (left,) = pictures.iterdir()
        with Image.open(left) as held:
            assert left.name == f"vae.{shown}.png" and held.size == (760, 253)
            assert held.convert("RGBA").getpixel((9, 9))[3] == 0  # clear: pages are dark too


def test_pictures_of_models_are_small_and_have_a_caption():
    for path in measured.PICTURES.glob("*"):
        name, shown, _ = path.name.split(".")
        assert name in models.names() and path.stat().st_size <= 15_000, path
        assert (
            measured.pictured(name)[0]
            == f"![{measured.CAPTIONS[shown]}](../assets/models/{path.name})"
        )
    assert measured.pictured("no_model") == []
