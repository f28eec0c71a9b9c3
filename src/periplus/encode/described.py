"""Frozen records from JSON values, strictly: a key that does not exist is an error that names the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

from periplus.errors import UsageError

Record = TypeVar("Record")


def described(cls: type[Record], values: Mapping[str, object], what: str) -> Record:
    """A record of JSON values; lists become tuples, and what is not there has its default.

    Args:
        cls: a dataclass.
        values: by field.
        what: it is called in messages, such as ``model``.

    Raises:
        UsageError: a key is unknown, or a value impossible.
    """
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in names:
            nearest = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(names)}."
            raise UsageError(f"A {what} has no option {key!r}: {hint}")
    try:
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as error:
        raise UsageError(f"This {what} cannot be described: {error}.") from error
