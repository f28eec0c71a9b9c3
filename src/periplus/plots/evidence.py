"""The photos that speak for an answer, beside the query."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from periplus.errors import PhotoError
from periplus.photos import jpeg_thumbnail
from periplus.plots.lines import draw_match
from periplus.plots.svg import Markup, join, tag
from periplus.plots.words import distance_words, percent_words
from periplus.records import Evidence, Fix

MOST_CARDS: Final = 6
_PHOTO_PX: Final = 760
Numbered = Sequence[tuple[int, Evidence]]


def photos_and_positions(fix: Fix) -> tuple[Numbered, Numbered]:
    """The evidence with its numbers from 1: what has a picture, and what is a bare position."""
    numbered = list(enumerate(fix.evidence, 1))
    return [one for one in numbered if one[1].path is not None], [one for one in numbered if one[1].path is None]


def photo_cards(query: Path, evidence: Numbered) -> Markup:
    """The first six photos beside the query, matching points joined; empty where there is no photo."""
    if not evidence:
        return Markup()
    cards = [_card(query, number, item) for number, item in evidence[:MOST_CARDS]]
    parts = [tag("h3", "Evidence"), tag("div", *cards, class_="cards")]
    if (more := len(evidence) - MOST_CARDS) > 0:
        parts.append(
            tag("p", f"{more:,} more {'photo speaks' if more == 1 else 'photos speak'} for it.", class_="soft")
        )
    return join(parts)


def _card(query: Path, number: int, evidence: Evidence) -> Markup:
    told = [f" · score {evidence.score:.3g} · {distance_words(evidence.distance_km)} from the estimate"]
    match = evidence.match
    if match is not None and match.inliers:
        told.append(f" · {match.inliers} matching points over {percent_words(match.coverage)} of the photo")
    caption = tag("figcaption", tag("span", str(number), class_="badge"), " ", tag("bdi", evidence.id), *told)
    return tag("figure", _proof(query, number, evidence), caption)


def _proof(query: Path, number: int, evidence: Evidence) -> Markup:
    """The matched pair; without a match the gallery photo; without that a note."""
    assert evidence.path is not None
    label = f"Evidence {number}: {evidence.id}"
    match = evidence.match
    if match is not None and match.inliers:
        try:
            return _image(draw_match(query, evidence.path, match), f"{label}, matched with the query")
        except PhotoError:
            pass  # Perhaps only the query is gone: the gallery photo alone, or the note about it, comes next.
    return photo(Path(evidence.path), label)


def photo(path: Path, label: str) -> Markup:
    """A picture small enough for a page, or a note why it cannot be shown."""
    try:
        return _image(jpeg_thumbnail(path, _PHOTO_PX), label)
    except PhotoError as error:
        note = tag("p", "The picture ", tag("bdi", path.name), f" cannot be shown: {error.reason}")
        return tag("div", note, class_="missing")


def _image(jpeg: bytes, label: str) -> Markup:
    return tag("img", src=f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}", alt=label)
