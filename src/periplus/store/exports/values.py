"""Values of a catalog as other formats can hold them."""

from __future__ import annotations

import base64
import datetime as dt
import math
import re
from typing import Final

import numpy as np

Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None

# XML 1.0 cannot hold these, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(value: object) -> Plain:
    """A value that JSON holds: dates in ISO 8601, bytes in base64, NaN and infinities as null."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def xml_text(value: object) -> str:
    """Text for an XML node, not yet escaped: characters that XML forbids become U+FFFD."""
    return _NOT_XML.sub("\ufffd", str(value))
