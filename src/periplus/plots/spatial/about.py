"""What a page says of how its numbers came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class About:
    """What was measured, for the head and the foot of a page.

    Attributes:
        title: of the page.
        source: what the photos are of: a folder, a table, a gallery.
        encoder: what made the vectors, or the column whose numbers were taken; empty where it goes without saying.
        seed: of what was drawn at random; None where nothing was.
        facts: more lines of "How it was measured", name to text.
    """

    title: str
    source: str
    encoder: str = ""
    seed: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
