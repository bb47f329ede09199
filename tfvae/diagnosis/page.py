"""What all pages share: one file that refers to nothing outside of itself."""

from __future__ import annotations

import base64
import html as _html
from collections.abc import Mapping

__all__ = ["head", "pictures"]

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2.2rem}
.verdict{font-size:1.1rem;border-left:4px solid #2563a8;padding:.4rem 1rem;margin:1.2rem 0;
white-space:pre-line;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td{padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.s,p.s,span.s{color:#777}p.s{font-size:.9rem}
.w{overflow-x:auto;margin-inline:min(0px,calc(24rem - 50vw))}
.w table{width:auto;min-width:min(100%,44rem);margin:0 auto}
.w td{padding-right:.9rem}.w td.n{white-space:normal}
table.a{display:block;overflow-x:auto}table.a audio{width:9rem;height:2.2rem}
table.t td:first-child{color:#777;white-space:nowrap}
img{max-width:100%;background:#fff;border-radius:4px}
figure{margin:1.4rem 0}figcaption{font-size:.9rem;color:#777}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.7rem;font-size:.85rem}
"""


def head(title: str, subtitle: str, verdict: str) -> list[str]:
    """Up to and with the sentence that matters most."""
    text = _html.escape
    return [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{text(title)}</title>",
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>",
        f"<h1>{text(title)}</h1><div>{text(subtitle)}</div>",
        f"<p class=verdict>{text(verdict)}</p>",
    ]


def pictures(figures: Mapping[str, bytes], captions: Mapping[str, str]) -> list[str]:
    """PNG by name, with captions."""
    text = _html.escape
    parts = ["<h2>Pictures</h2>"] if figures else []
    for name, png in figures.items():
        data = base64.b64encode(png).decode()
        parts.append(
            f"<figure><img alt='{text(name.replace('_', ' '))}' "
            f"src='data:image/png;base64,{data}'>"
            f"<figcaption>{text(captions.get(name, ''))}</figcaption></figure>"
        )
    return parts
