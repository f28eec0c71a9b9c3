"""The frame of a report: one HTML file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from periplus.plots.svg import Markup, escape


def page_head(title: str, *sheets: str) -> str:
    """Everything up to and including ``<body>``.

    The content security policy forbids every request and every script, and allows exactly one style sheet (by its
    hash) and pictures within the page (``data:``).

    Args:
        title: of the page.
        sheets: style sheets after the house's own, as files under ``periplus/plots``.
    """
    files = resources.files("periplus.plots")
    style = "".join(files.joinpath(sheet).read_text(encoding="utf-8") for sheet in ("report.css", *sheets))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
"""


def page_foot() -> Markup:
    """The end of the page."""
    return Markup(
        "<footer>Positions are those of the camera, not of what it shows. WGS84; great-circle distances on a sphere "
        "of 6371.0088 km. Coastline: Natural Earth, public domain.</footer>\n</body>\n</html>\n"
    )


def legend(names: list[str], first: str = "") -> Markup:
    """The legend of a map: ``names`` are those of the signs that it shows, ``first`` is an item of its own."""
    items = "".join(
        f'<li><svg viewBox="0 0 20 20" aria-hidden="true">{_SIGNS[name]}</svg>{escape(name)}</li>' for name in names
    )
    return Markup(f'<ul class="legend">{first}{items}</ul>')


_SIGNS = {
    "estimate": '<circle cx="10" cy="10" r="6.5" class="estimate"/>',
    "best guess (not offered as an answer)": '<circle cx="10" cy="10" r="6.5" class="estimate unsure"/>',
    "50 % and 90 %": '<circle cx="10" cy="10" r="5" class="ring p50"/><circle cx="10" cy="10" r="9" class="ring p90"/>',
    "smallest region with 50 %": '<path d="M1,10h18" class="outline o50"/>',
    "with 90 %": '<path d="M1,10h18" class="outline o90"/>',
    "belief": '<rect x="1" y="3" width="18" height="14" rx="3" class="beliefsign"/>',
    "evidence": '<circle cx="10" cy="10" r="9" class="pin"/><text x="10" y="14" class="number">1</text>',
    "evidence positions": '<circle cx="10" cy="10" r="3.4" class="foot"/>',
    "gallery photos": '<path d="M4,6h0M11,13h0M16,7h0" class="dots"/>',
    "next best place": '<path d="M2,10l8,-8l8,8l-8,8z" class="runner-up"/>',
    "recorded in the file": '<path d="M2,10l8,-8l8,8l-8,8z" class="recorded"/>',
}
