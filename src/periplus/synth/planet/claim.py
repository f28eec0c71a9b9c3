"""Whose a directory is: what is made in it says so before anything else is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from periplus.errors import UsageError
from periplus.store import read_json, write_json_atomic, writing


def claim(about: Path, wanted: Mapping[str, object], what: str, older: tuple[int, ...] = ()) -> int:
    """Leave ``wanted`` as the JSON file ``about`` in its directory, unless that holds something else.

    Args:
        about: the file; its directory is made if missing.
        wanted: what is to be made, with its ``format``.
        what: its name, for messages.
        older: formats of the same that can be brought up to date.

    Returns:
        The format that the directory holds: that of ``wanted``, or one of ``older`` (nothing was written then).

    Raises:
        UsageError: the directory holds something else.
        CannotRunError: the system refuses to write.
    """
    out = about.parent
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; a {what} needs a directory. Choose another --output.")
    if about.is_file():
        found = read_json(about)
        for version in (int(str(wanted["format"])), *older):
            if found == {**wanted, "format": version}:
                return version
        raise UsageError(f"{out} holds another {what} ({about}). Choose an empty directory.")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and holds no {what}. Choose an empty directory.")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    write_json_atomic(about, dict(wanted))
    return int(str(wanted["format"]))
