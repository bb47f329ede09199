"""explore.html: the sections of `tfvae explore`, one below the other."""

from __future__ import annotations

import base64
import html as _html
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae import diagnosis
from tfvae.diagnosis.page import head
from zoo.command.explore_sections import Section

__all__ = ["html"]


def html(title: str, about: str, report: Mapping[str, Any], found: Sequence[Section]) -> str:
    """The page; it refers to nothing outside of itself.

    Args:
        title, about: its head.
        report: of the run, whose verdict stands on top: an empty code has nothing to be explored.
        found: the sections.
    """
    parts = head(title, about, diagnosis.sentence(report))
    for section in found:
        parts += _section(section)
    return "\n".join([*parts, "</html>"])


def _section(section: Section) -> list[str]:
    text = _html.escape
    parts = [f"<h2>{text(section.title)}</h2>"] if section.title else []
    if section.picture is not None:
        data = base64.b64encode(section.picture).decode()
        parts.append(
            f"<figure><img alt='{text(section.name.replace('_', ' '))}' "
            f"src='data:image/png;base64,{data}'><figcaption>{text(section.says)}</figcaption></figure>"
        )
        return parts
    parts.append(f"<p class=s>{text(section.says)}</p>")
    if section.rows:
        cells = ("".join(f"<td>{text(cell)}" for cell in row) for row in section.rows)
        parts += ["<table class=t>", *(f"<tr>{row}" for row in cells), "</table>"]
    return parts
