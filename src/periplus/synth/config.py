"""What can be asked of a made town."""

from __future__ import annotations

from dataclasses import dataclass

from periplus.errors import UsageError


@dataclass(frozen=True)
class TownConfig:
    """What town to make.

    Attributes:
        seed: decides everything that is drawn by lot; not negative.
        gallery, queries, strangers: how many photos of each kind.
        size_px: width and height of the photos.
        blocks: blocks from west to east and from south to north; one gallery photo every 10 m of front
            (20 to a block) lets nearly every query find its place.
        centre_lat_deg, centre_lon_deg: where the town lies; by default in the sea off Marseille, from where
            Pytheas set out, so that nobody takes it for a real place.
        jobs: processes that draw; the photos do not depend on it.

    Raises:
        UsageError: a value is out of its range.
    """

    seed: int = 0
    gallery: int = 240
    queries: int = 40
    strangers: int = 12
    size_px: tuple[int, int] = (640, 480)
    blocks: tuple[int, int] = (4, 3)
    centre_lat_deg: float = 43.2
    centre_lon_deg: float = 5.2
    jobs: int = 1

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, low, high in (
            ("seed", 0, 2**63), ("gallery", 1, 100_000), ("queries", 0, 100_000), ("strangers", 0, 100_000),
            ("centre_lat_deg", -85, 85), ("centre_lon_deg", -180, 180), ("jobs", 1, 256),
        ):  # fmt: skip
            _check(name, getattr(self, name), low, high)
        for name, low, high in (("size_px", 64, 4096), ("blocks", 1, 50)):
            for value in getattr(self, name):
                _check(name, value, low, high)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"TownConfig.{name} is {value}; choose from {low} to {high}.")
