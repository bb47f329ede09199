"""README, CONTRIBUTING and the pages of docs/ as text, for the tests that read them."""

import pathlib
import re

import tfvae

ROOT = pathlib.Path(tfvae.__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
}


def blocks(page, kind):
    """The fenced blocks of a kind (a regular expression), without their fences."""
    return re.findall(rf"^```(?:{kind})\n(.*?)^```", PAGES[page], re.M | re.S)


def prose(page):
    """The page without its code."""
    return re.sub(r"^```.*?^```|`[^`\n]+`", "code", PAGES[page], flags=re.M | re.S)


def anchors(page):
    """Of its headings, as MkDocs makes them (`markdown.extensions.toc`)."""
    without = re.sub(r"^```.*?^```", "", PAGES[page], flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", without, re.M)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings}
