"""The frame of an audit's page: the house's frame with one more style sheet."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from periplus.plots.page import page_head
from periplus.plots.svg import Markup


def audit_head(title: str) -> str:
    """:func:`~periplus.plots.page.page_head` with the audit's style sheet after the house's, and its hash."""
    head = page_head(title)
    extra = resources.files("periplus.plots").joinpath("audit.css").read_text(encoding="utf-8")
    house = head[head.index("<style>") + len("<style>") : head.index("</style>")]
    digest = base64.b64encode(hashlib.sha256((house + extra).encode()).digest()).decode("ascii")
    head = head.replace(f"<style>{house}</style>", f"<style>{house}{extra}</style>")
    return re.sub(r"'sha256-[^']*'", lambda _: f"'sha256-{digest}'", head, count=1)


def audit_foot() -> Markup:
    """The end of the page."""
    return Markup(
        "<footer>Measured without any model; nothing here was sent anywhere. Countries by the nearest town of GeoNames "
        "(CC BY 4.0). Coastline: Natural Earth, public domain.</footer>\n</body>\n</html>\n"
    )
