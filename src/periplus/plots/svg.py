"""Writing SVG and HTML: elements with everything escaped, and short path data."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

_VOID: Final = frozenset({"br", "hr", "img"})


class Markup(str):
    """Text that is markup already; any other text is escaped when it becomes content."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: object) -> Markup:
    """An element. Attribute names lose a trailing underscore, inner ones become hyphens; None leaves one out.

    >>> tag("a", "<5 m", href="#x", class_="near")
    '<a href="#x" class="near">&lt;5 m</a>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{told}>" if name in _VOID else f"<{name}{told}>{join(content)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Parts one after the other; those that are not markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def escape(value: object) -> str:
    """Text as it may stand in an element or an attribute; halves of characters become question marks."""
    text = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


def path_data(points: NDArray[np.float64], *, closed: bool = False, grid_px: float = 0.1) -> str:
    """Path data of a line (n, 2), rounded to a grid without repeated points; empty below two points."""
    steps = np.round(points / grid_px).astype(np.int64)
    steps = steps[np.concatenate([[True], (np.diff(steps, axis=0) != 0).any(axis=1)])] if len(steps) else steps
    if len(steps) < 2:
        return ""
    numbers = [_number(x, grid_px) + "," + _number(y, grid_px) for x, y in np.diff(steps, axis=0, prepend=0).tolist()]
    return f"M{numbers[0]}l{' '.join(numbers[1:])}{'z' if closed else ''}"


def dots_data(points: NDArray[np.float64], grid_px: float = 1.5) -> str:
    """Path data of one dot a point (n, 2), drawn by a round line cap; points of one grid cell become one dot."""
    cells = np.unique(np.round(points / grid_px).astype(np.int64), axis=0)
    return "".join(f"M{_number(x, grid_px)},{_number(y, grid_px)}h0" for x, y in cells.tolist())


def _number(steps: int, grid_px: float) -> str:
    return f"{steps * grid_px:.7g}"
