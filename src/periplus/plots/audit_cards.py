"""The pictures of an audit: the worst cases of each finding, and groups of duplicates."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from periplus.errors import PhotoError
from periplus.photos import jpeg_thumbnail
from periplus.plots.svg import Markup, join, tag

MOST_PICTURES: Final = 14
MOST_GROUPS: Final = 12
MOST_OF_GROUP: Final = 4
_THUMBNAIL_PX: Final = 240
_QUALITY: Final = 72

Row = dict[str, Any]
"""One line of the findings."""

WORST_FIRST: Final[dict[str, tuple[Callable[[Row], float], Callable[[Row], str]]]] = {
    "unreadable": (lambda _: 0.0, lambda _: ""),
    "small": (
        lambda row: min(row["width_px"], row["height_px"]),
        lambda row: f"{row['width_px']} x {row['height_px']} px",
    ),
    "grey": (lambda row: row["chroma"], lambda row: f"chroma {row['chroma']:.1f}"),
    "sepia": (lambda row: row["tint_error"], lambda row: f"tint error {row['tint_error']:.1f}"),
    "blurred": (lambda row: row["sharpness"], lambda row: f"sharpness {row['sharpness']:.2f}"),
    "blank": (lambda row: row["entropy_bits"], lambda row: f"{row['entropy_bits']:.1f} bits"),
    "graphic": (lambda row: -row["plain_share"], lambda row: f"{100 * row['plain_share']:.0f} % one colour"),
    "outlier": (lambda row: -row["strangeness"], lambda row: f"strangeness {row['strangeness']:.2f}"),
}
"""For each finding of a single photo: what sorts the worst first, and the measure in words."""


def wall(rows: Sequence[Row], finding: str) -> Markup:
    """The worst cases of a finding, at most :data:`MOST_PICTURES`."""
    badness, words = WORST_FIRST[finding]
    worst = sorted(rows, key=lambda row: (badness(row), row["id"]))[:MOST_PICTURES]
    return tag("div", *(_figure(row, words(row)) for row in worst), class_="wall")


def group_cards(groups: Sequence[Sequence[Row]], bad: bool) -> Markup:
    """Groups of photos that look alike, at most :data:`MOST_GROUPS`; ``bad`` ones have a red rim."""
    shown = groups[:MOST_GROUPS]
    cards = tag("div", *(_group(rows, bad) for rows in shown), class_="groups")
    rest = len(groups) - len(shown)
    return join([cards, tag("p", f"and {rest:,} more groups", class_="soft") if rest else ""])


def _group(rows: Sequence[Row], bad: bool) -> Markup:
    pictures = tag("div", *(_figure(row, row["split"] or "") for row in rows[:MOST_OF_GROUP]), class_="pair")
    similarity = max((row["similarity"] or 0.0) for row in rows)
    words = "the same file" if any(row["exact_duplicate"] for row in rows) else f"similarity {similarity:.2f}"
    more = f" · {len(rows):,} photos" if len(rows) > 2 else ""
    return tag("div", pictures, tag("p", words, more), class_="group bad" if bad else "group")


def _figure(row: Row, words: str) -> Markup:
    name = str(row["id"])
    head = [tag("b", tag("bdi", _breakable(row["landmark"])))] if row["landmark"] else []
    caption = [*head, tag("bdi", _breakable(name.rpartition("/")[2] or name)), f" · {words}" if words else ""]
    return tag("figure", _picture(row), tag("figcaption", *caption), title=name)


def _breakable(name: str) -> str:
    """A name that may be broken after its underscores, by a space without width."""
    return name.replace("_", "_\u200b")


def _picture(row: Row) -> Markup:
    try:
        jpeg = jpeg_thumbnail(Path(row["path"]), _THUMBNAIL_PX, _QUALITY)
    except PhotoError as error:
        return tag("div", error.reason, class_="missing")
    return tag("img", src=f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}", alt=str(row["id"]))
