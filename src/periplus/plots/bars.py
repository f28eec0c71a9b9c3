"""A bar that shows a share."""

from __future__ import annotations

from periplus.plots.svg import Markup, tag


def stripe(share: float, kind: str | None = None) -> Markup:
    """A bar that fills a share, 0 to 1, of its place; a share above 0 is never invisible."""
    width = 100 * max(share, 0.006) if share > 0 else 0.0
    bar = tag("rect", width=f"{width:.2f}", height=1, class_=kind)
    return tag("svg", bar, viewBox="0 0 100 1", preserveAspectRatio="none", class_="stripe", aria_hidden="true")
