"""What all pages share: a template, and one file that refers to nothing outside of itself."""

from __future__ import annotations

import base64
import functools
import re

import jinja2
from markupsafe import Markup, escape

__all__ = ["render"]

_WIDTH = 76  # characters of a line of a command


def render(name: str, package: str = "tfvae", **values) -> str:
    """A page.

    Args:
        name: of a template, without its ending.
        package: whose it is; those of `tfvae` stand below those of every other.
        **values: what the template reads; text is escaped.
    """
    return _environment(package).get_template(f"{name}.html").render(values)


@functools.cache
def _environment(package: str) -> jinja2.Environment:
    of = dict.fromkeys((package, "tfvae"))
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in of]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"data_uri": _data_uri, "shell": _shell, "breakable": _breakable}
    return made


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _shell(command: str) -> str:
    """A long command over several lines, as a shell reads it: no browser breaks it at a hyphen."""
    lines, line = [], ""
    # what stands between quotes is one word
    for word in re.findall(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+", command):
        if line and len(line) + 1 + len(word) > _WIDTH - 2:
            lines.append(f"{line} \\")
            line = f"  {word}"
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def _breakable(cell: str) -> Markup:
    """In a narrow window a spread comes below its mean, and a name breaks where a setting of it begins."""
    said = str(escape(cell))
    if "\u00b1" in said:
        return Markup(said.replace(" ", "&nbsp;").replace("&nbsp;\u00b1", " \u00b1"))
    return Markup(said.replace(":", ":<wbr>"))
