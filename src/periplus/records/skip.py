"""A photo that could not be used, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Skip:
    """One photo that a job passed over.

    Attributes:
        path: the file, or the table row, as a person would look it up.
        kind: a short stable word for counting, such as ``"damaged"``.
        reason: a sentence for people.
    """

    path: str
    kind: str
    reason: str
