"""The list of rows that the default tests take names tests and rows that there are."""

import pathlib

from tests.default_rows import KEPT

ROOT = pathlib.Path(__file__).parent.parent


def test_every_test_that_it_names_is_there():
    for name in KEPT:
        path, _, function = name.partition("::")
        assert f"def {function}(" in (ROOT / path).read_text(), name


def test_every_row_that_it_keeps_is_there(request):
    """Of the tests that were collected beside this one: a whole run looks at all of them."""
    known = {}
    for item in request.session.items:
        name, _, row = item.nodeid.partition("[")
        known.setdefault(name, set()).add(row.rstrip("]"))
    chosen = any("::" in word for word in request.config.args)
    for name in KEPT.keys() & known.keys() if not chosen else ():
        assert set(KEPT[name]) <= known[name], (name, set(KEPT[name]) - known[name])
