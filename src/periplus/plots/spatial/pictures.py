"""Photos in a page of spatial statistics: small, inside the page, or the reason why one is not there."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from periplus.errors import PhotoError, UsageError
from periplus.photos import jpeg_thumbnail
from periplus.plots.svg import Markup, tag

Photos = Sequence[str | None]
"""The file of each row; None where none is recorded."""
_THUMBNAIL_PX: Final = 300
_QUALITY: Final = 74


def photo_figure(photos: Photos, row: int, words: str = "") -> Markup:
    """A photo with the name of its file below it.

    Args:
        photos: files by row.
        row: which.
        words: what is said of it after its name.

    Raises:
        UsageError: there is no such row.
    """
    if not 0 <= row < len(photos):
        raise UsageError(f"There are files of {len(photos):,} photos, and none of row {row}; give one for each row.")
    path = photos[row]
    name = Path(path).name if path else f"row {row}"
    caption = [tag("bdi", _breakable(name)), f" · {words}" if words else ""]
    return tag("figure", _picture(path, name), tag("figcaption", *caption), title=name)


def _picture(path: str | None, name: str) -> Markup:
    if not path:
        return tag("div", "no file is recorded", class_="missing")
    try:
        jpeg = jpeg_thumbnail(path, _THUMBNAIL_PX, _QUALITY)
    except PhotoError as error:
        return tag("div", error.reason, class_="missing")
    return tag("img", src=f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}", alt=name)


def _breakable(name: str) -> str:
    """A name that may be broken after its underscores, by a space without width."""
    return name.replace("_", "_\u200b")
