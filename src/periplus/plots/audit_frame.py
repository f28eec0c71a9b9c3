"""The frame of an audit's page: the house's frame with one more style sheet."""

from __future__ import annotations

from typing import Final

from periplus.plots.svg import Markup

AUDIT_SHEET: Final = "audit.css"


def audit_foot() -> Markup:
    """The end of the page."""
    return Markup(
        "<footer>Measured without any model; nothing here was sent anywhere. Countries by the nearest town of GeoNames "
        "(CC BY 4.0). Coastline: Natural Earth, public domain.</footer>\n</body>\n</html>\n"
    )
