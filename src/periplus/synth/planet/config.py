"""What can be asked of a made planet."""

from __future__ import annotations

from dataclasses import dataclass

from periplus.errors import UsageError
from periplus.synth.planet.visits import CHAPTER


@dataclass(frozen=True)
class PlanetConfig:
    """What planet to make, and how many photos of it.

    Attributes:
        seed: decides the planet and all photos of it; not negative. Photo i is the same however many are asked for.
        photos: how many.
        first: the number of the first one, a multiple of :data:`CHAPTER` (125): where another part of the same planet
            left off; its photographers are others.
        size_px: the long side of the photos.
        jobs: processes that draw; the photos do not depend on it.

    Raises:
        UsageError: a value is out of its range.
    """

    seed: int = 0
    photos: int = 20_000
    first: int = 0
    size_px: int = 96
    jobs: int = 1

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, low, high in (
            ("seed", 0, 2**63 - 1), ("photos", 1, 100_000_000), ("first", 0, 10_000_000_000), ("size_px", 32, 1024),
            ("jobs", 1, 256),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"PlanetConfig.{name} is {value}; choose from {low} to {high}.")
        if self.first % CHAPTER:
            raise UsageError(f"PlanetConfig.first is {self.first}; choose a multiple of {CHAPTER}.")
