"""What is said: to people on standard error, answers on standard output, nothing that could harm a terminal."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from periplus.records import Skip

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Invisible characters that change the order in which others are shown: a name could pretend to be another."""


def safe(text: object) -> str:
    r"""Text on one line, control characters and turners of direction as escapes (``\x1b``); all else as it is."""
    return "".join(_escaped(c) if c in _TURNING or unicodedata.category(c) in _CONTROLS else c for c in str(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def say(text: object) -> None:
    """Tell a person one line, on standard error."""
    sys.stderr.write(safe(text) + "\n")
    sys.stderr.flush()


def show(text: object = "", *, indent: int = 0, strong: bool = False) -> None:
    """Write one line of an answer, on standard output."""
    line = safe(text)
    if strong and sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        line = f"\x1b[1m{line}\x1b[0m"
    sys.stdout.write(f"{' ' * indent}{line}".rstrip() + "\n")


def emit(document: Mapping[str, object]) -> None:
    """Write the one JSON document of a verb on standard output: ASCII, what is not finite as null."""
    from periplus.store.exports.values import plain

    sys.stdout.write(json.dumps(plain(dict(document)), indent=1, allow_nan=False) + "\n")


def counted(number: int, one: str, many: str = "") -> str:
    """``"1 photo"``, ``"1,200 photos"``."""
    return f"1 {one}" if number == 1 else f"{number:,} {many or one + 's'}"


def size_words(size_bytes: float) -> str:
    """``"1.2 kB"``, ``"7.1 MB"``, ``"3.0 GB"``: powers of a thousand."""
    for unit, of in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= of:
            return f"{size_bytes / of:,.1f} {unit}"
    return f"{size_bytes / 1e3:.1f} kB"


def skips_json(skipped: Sequence[Skip]) -> list[dict[str, str]]:
    """Skipped inputs for programs."""
    return [{"path": skip.path, "kind": skip.kind, "reason": skip.reason} for skip in skipped]


def tell_skipped(skipped: Sequence[Skip], what: str = "photo") -> None:
    """Tell a person what was skipped and why, and how many of each kind."""
    if not skipped:
        return
    for skip in skipped:
        say(f"Skipped {skip.path} ({skip.kind}): {skip.reason}")
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in Counter(skip.kind for skip in skipped).most_common())
    say(f"{counted(len(skipped), what)} skipped: {kinds}.")


def status_of(used: int, skipped: Sequence[Skip]) -> int:
    """0 where all inputs could be used, 1 where some could not, 3 where none could."""
    if not skipped:
        return 0
    return 1 if used else 3
