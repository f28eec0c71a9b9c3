"""Answer queries by a world-wide gallery."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.photos import DEFAULT_LIMITS, Limits, read_rgb
from periplus.pipeline.excluding import NO_ROWS
from periplus.pipeline.pictures import READ_PX, Box, cut_out
from periplus.pipeline.world.opened import OpenedWorld
from periplus.pipeline.world.spec import query_encoder
from periplus.position import GUESSES, WorldBelief, belief_of, decide, evidence_of, posterior, refine, sharpness
from periplus.records import Evidence, Fix


@dataclass(frozen=True)
class WorldConfig:
    """How a world-wide gallery answers.

    Attributes:
        neighbours: only the best so many rows speak; 0 for all. 1 is the nearest neighbour alone.
        guess: how one position is chosen, a key of :data:`periplus.position.GUESSES`; None as calibrated.
        refine: look between the rows, where a location encoder can tell: the spacing of the rows is no bound then.
        centres: kernels of the belief that is kept for maps, at most.

    Raises:
        UsageError: a value is impossible.
    """

    neighbours: int = 0
    guess: str | None = None
    refine: bool = True
    centres: int = 2000

    def __post_init__(self) -> None:
        """Check values."""
        if self.neighbours < 0 or self.centres < 2 or (self.guess is not None and self.guess not in GUESSES):
            raise UsageError(f"neighbours is 0 or more, guess one of {', '.join(GUESSES)}: not {self}.")


def read_picture(path: str | Path, limits: Limits = DEFAULT_LIMITS, box: Box | None = None) -> NDArray[np.uint8]:
    """A photo as a picture encoder is shown it, or what a box shows of it.

    Raises:
        PhotoError: the photo cannot be used.
        UsageError: the box lies outside of the picture.
    """
    return cut_out(path, box, limits) if box is not None else read_rgb(Path(path), READ_PX, limits).pixels


def query_vectors(pictures: Sequence[NDArray[np.uint8]], opened: OpenedWorld) -> NDArray[np.float32]:
    """Unit vectors (q, d) of pictures, as this gallery's queries have them."""
    return query_encoder(opened.spec).encode(pictures)


def believe(
    vector: NDArray[np.float32],
    opened: OpenedWorld,
    config: WorldConfig,
    exclude: NDArray[np.int64] = NO_ROWS,
    temperature: float | None = None,
) -> WorldBelief:
    """What a gallery believes of one photo.

    Args:
        vector: (d,), of the photo.
        opened: the gallery.
        config: how it answers.
        exclude: rows that must not.
        temperature: None as calibrated.

    Raises:
        EmptyInputError: no row may answer.
    """
    warmth = opened.calibration.temperature if temperature is None else temperature
    scores = opened.scores(vector[None])
    scores[0, exclude] = -np.inf
    if 0 < config.neighbours < len(opened):
        last = np.partition(scores[0], len(opened) - config.neighbours)[len(opened) - config.neighbours]
        scores[0, scores[0] < last] = -np.inf
    p = posterior(scores, opened.scale, opened.rows, warmth)[0]
    location = opened.location
    if location is None or not config.refine:
        return belief_of(p, opened.rows)
    sharp = sharpness(opened.scale, warmth)
    return refine(p, opened.rows, lambda lat, lon: sharp * (location.encode(lat, lon) @ vector))


def locate_vector(
    vector: NDArray[np.float32], opened: OpenedWorld, config: WorldConfig, exclude: NDArray[np.int64] = NO_ROWS
) -> Fix:
    """Tell where a photo was taken, given its vector (d,)."""
    if len(np.unique(exclude)) == len(opened):
        return _nobody(opened)
    belief = believe(vector, opened, config, exclude)
    calibration = opened.calibration if config.guess is None else replace(opened.calibration, guess=config.guess)
    areas = opened.areas.at(belief.gallery_row)
    return decide(belief, calibration, evidence_in(belief, opened), areas, config.centres)


def _nobody(opened: OpenedWorld) -> Fix:
    reason = "no row of the gallery may answer this photo: all are left out"
    return Fix(math.nan, math.nan, math.nan, math.nan, 0.0, opened.calibration.right_km, reason)


def evidence_in(belief: WorldBelief, opened: OpenedWorld) -> tuple[Evidence, ...]:
    """The likeliest rows of a gallery, with their pictures where they have any."""
    paths = opened.gallery.catalog.table.column("path")
    found = ((one, paths[one.row].as_py()) for one in evidence_of(belief, opened.ids))
    return tuple(one if path is None else replace(one, path=str(path)) for one, path in found)
