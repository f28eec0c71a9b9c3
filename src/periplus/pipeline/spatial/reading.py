"""How a source is read for spatial statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from periplus.errors import UsageError
from periplus.spatial import PassSettings

Tell = Callable[[str, int, "int | None"], None]
"""Told the stage, how much of it is done, and how much there is (None where nobody knows)."""


@dataclass(frozen=True)
class Reading:
    """How a source becomes places and vectors.

    Attributes:
        options: other values of :class:`periplus.encode.ModelSpec`, for a vision model.
        vectors: a ``.npy`` file (n, d), one row for each row of the source.
        cache: folder of the galleries that keep what encoders saw; None embeds for this once.
        splits: only rows of these splits of the source.
        columns: which column of a table is which.
        photos: look at so many rows at most, chosen by lot, two or more; 0 for all.
        seed: of that lot.
        jobs: worker processes that look at pictures; 0 for one a core.

    Raises:
        UsageError: a negative number, or a lot of one photo.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    vectors: Path | None = None
    cache: Path | None = None
    splits: tuple[str, ...] = ()
    columns: Mapping[str, str] | None = None
    photos: int = 0
    seed: int = 0
    jobs: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if min(self.photos, self.seed, self.jobs) < 0:
            raise UsageError("Numbers of photos and jobs, and seeds, are not negative.")
        if self.photos == 1:
            raise UsageError("One photo has no distance to another: take two or more, or 0 for all.")


def own_checkpoint(how: PassSettings, number: int) -> PassSettings:
    """How the pass with this number is done: of several passes each has a checkpoint of its own."""
    if how.checkpoint is None or not number:
        return how
    return replace(how, checkpoint=Path(f"{how.checkpoint}.{number}"))
