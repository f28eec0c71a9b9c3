"""How a world-wide belief becomes levels, radii and confidence; kept as JSON beside the gallery."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from periplus.errors import GalleryError, RecordError
from periplus.position import logistic
from periplus.position.guess import GUESSES

SHARES: Final = (0.5, 0.9)
"""What regions and radii promise."""
_PAIRS: Final = ("levels", "radius_factors")


@dataclass(frozen=True)
class WorldCalibration:
    """What was learnt from held-back photos; the defaults take the belief at its word.

    Attributes:
        temperature: of the posterior.
        levels: the level of belief of the regions that hold 50 % and 90 % of the truths.
        radius_factors: times the belief's own 50 % and 90 % radius it holds 50 % and 90 % of the truths.
        confidence_weights: of the log-odds of the belief near the guess, of its spread, and of 1.
        right_km: the distance within which a guess counts as right.
        answer_confidence: a guess below is not offered as an answer.
        guess: how positions are chosen, one of :data:`periplus.position.guess.GUESSES`.
        queries: how many held-back photos it rests on; 0 for the defaults.

    Raises:
        RecordError: a value is impossible.
    """

    temperature: float = 1.0
    levels: tuple[float, float] = SHARES
    radius_factors: tuple[float, float] = (1.0, 1.0)
    confidence_weights: logistic.Weights = (1.0, 0.0, 0.0)
    right_km: float = 200.0
    answer_confidence: float = 0.5
    guess: str = "score"
    queries: int = 0

    def __post_init__(self) -> None:
        """Check that every value is possible."""
        positive = (self.temperature, self.right_km, *self.radius_factors)
        shares = (*self.levels, self.answer_confidence)
        fine = all(0 < value < math.inf for value in positive) and all(0 <= share <= 1 for share in shares)
        lengths = (len(self.levels), len(self.radius_factors), len(self.confidence_weights))
        if not fine or self.levels[0] > self.levels[1] or lengths != (2, 2, 3) or self.queries < 0:
            raise RecordError(f"A world-wide calibration has impossible values: {self}.")
        if not all(map(math.isfinite, self.confidence_weights)) or self.guess not in GUESSES:
            raise RecordError(f"A world-wide calibration has impossible values: {self}.")

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)


def world_calibration_from(value: object) -> WorldCalibration:
    """Read :meth:`WorldCalibration.to_json`, strictly.

    Raises:
        GalleryError: a key or value is not what this version writes.
    """
    names = [field.name for field in fields(WorldCalibration)]
    if not isinstance(value, Mapping) or set(value) != set(names):
        keys = sorted(map(str, value)) if isinstance(value, Mapping) else value
        raise _unreadable(f"it needs the keys {names}, it has {keys}")
    for name in names:
        _check(name, value[name])
    parts: dict[str, Any] = {
        name: tuple(part) if isinstance(part, (list, tuple)) else part for name, part in value.items()
    }
    try:
        return WorldCalibration(**parts)
    except RecordError as error:
        raise _unreadable(str(error)) from error


def _check(name: str, value: object) -> None:
    if name == "guess":
        if not isinstance(value, str):
            raise _unreadable(f"{name} is {value!r}, not a word")
        return
    length = {"levels": 2, "radius_factors": 2, "confidence_weights": 3}.get(name)
    if length is not None and (not isinstance(value, (list, tuple)) or len(value) != length):
        raise _unreadable(f"{name} is {value!r}, not {length} numbers")
    for number in value if isinstance(value, (list, tuple)) and length is not None else [value]:
        whole = name == "queries"
        if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
            raise _unreadable(f"{name} is {value!r}, not a {'whole ' if whole else ''}number")


def _unreadable(why: str) -> GalleryError:
    return GalleryError(f"The world-wide calibration cannot be read: {why}. Run periplus index again.")
