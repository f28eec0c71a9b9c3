"""A figure inside a page: its SVG without anything that the page's content security policy forbids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from periplus.plots.spatial.canvas import figure_svg
from periplus.plots.svg import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG: Final = "{http://www.w3.org/2000/svg}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_LEFT_OUT: Final = frozenset({f"{_SVG}metadata", f"{_SVG}style"})
_PAPER: Final = "patch_1"
"""The figure's white ground; in a page the card is its ground."""
_LINK: Final = re.compile(r"url\(#([^)]+)\)")


def inline_svg(figure: Figure, name: str, label: str) -> Markup:
    """A figure as an ``<svg>`` element of a page.

    Style attributes become presentation attributes (the policy allows one style sheet, by its hash, and no others), the
    style element becomes attributes of the root, identifiers begin with ``name``, comments and metadata go.

    Args:
        figure: what is shown.
        name: unique in the page; letters and hyphens.
        label: what a screen reader says.
    """
    # Matplotlib's own output, not a stranger's file.
    root = ElementTree.fromstring(figure_svg(figure))  # noqa: S314
    for parent in root.iter():
        for child in [one for one in parent if one.tag in _LEFT_OUT or one.get("id") == _PAPER]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.text = element.tail = None
        element.attrib = _attributes(element.attrib, name)
    box = root.attrib["viewBox"]
    root.attrib = {
        "viewBox": box, "class": "plot", "role": "img", "aria-label": label, "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }  # fmt: skip
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _attributes(attributes: dict[str, str], name: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for key, value in attributes.items():
        if key == "style":
            for declaration in filter(None, map(str.strip, value.split(";"))):
                part, _, worth = declaration.partition(":")
                told[part.strip()] = _LINK.sub(rf"url(#{name}-\1)", worth.strip())
        elif key == "id":
            told["id"] = f"{name}-{value}"
        elif key in ("href", _HREF):
            told["href"] = f"#{name}-{value[1:]}" if value.startswith("#") else value
        elif key == "d":
            told["d"] = " ".join(value.split())
        else:
            told[key] = _LINK.sub(rf"url(#{name}-\1)", value)
    return told
