"""Ask several galleries about one photo: verified landmarks, photo neighbours, positions and texts make one answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from periplus.errors import UsageError
from periplus.geo import places_of
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.answering import AnyGallery
from periplus.pipeline.locating import Located, locate, recorded_position
from periplus.pipeline.world.locating import WorldConfig, believe, evidence_in, query_vectors, read_picture
from periplus.pipeline.world.opened import OpenedWorld
from periplus.pipeline.world.spec import query_encoder_key
from periplus.position import (
    LANDMARKS,
    Expert,
    Fused,
    area_table,
    belief_from,
    decide,
    density_of,
    fuse,
)
from periplus.records import Evidence, Fix

_HALF = 0.5


@dataclass(frozen=True)
class FusedGalleries:
    """Galleries that answer together.

    Attributes:
        worlds: world-wide galleries; several of one kind share the trust of one. Radii and confidence are those of the
            first one's calibration.
        landmarks: a gallery of photos with local features, or None.
        config: how the world-wide ones answer.

    Raises:
        UsageError: there is none.
    """

    worlds: tuple[OpenedWorld, ...]
    landmarks: AnyGallery | None = None
    config: WorldConfig = field(default_factory=WorldConfig)

    def __post_init__(self) -> None:
        """Check that there is one."""
        if not self.worlds and self.landmarks is None:
            raise UsageError("There is no gallery to ask: give one or several.")

    @property
    def alone(self) -> AnyGallery | None:
        """The gallery, where there is only one: it answers as it does by itself."""
        both = [*self.worlds, *([] if self.landmarks is None else [self.landmarks])]
        return both[0] if len(both) == 1 else None


def together(opened: Sequence[AnyGallery], config: WorldConfig | None = None) -> FusedGalleries:
    """Galleries as they answer together.

    Raises:
        UsageError: there is none, or there are two with local features.
    """
    worlds = tuple(one for one in opened if isinstance(one, OpenedWorld))
    others = [one for one in opened if not isinstance(one, OpenedWorld)]
    if len(others) > 1:
        raise UsageError(
            f"{len(others)} galleries of photos with local features: make one of them (periplus gallery add)."
        )
    return FusedGalleries(worlds, others[0] if others else None, config or WorldConfig())


def locate_together(
    path: str | Path, galleries: FusedGalleries, *, ignore_exif: bool = False, limits: Limits = DEFAULT_LIMITS
) -> Located:
    """Tell where a photo was taken by all that several galleries say.

    Where verified landmarks have an answer and carry the belief, theirs it is, with its own radii; elsewhere it is that
    of all beliefs together. ``Fix.carried_by`` tells who brought how much. A single gallery answers as in
    :func:`locate`.

    Args:
        path: the photo.
        galleries: from :func:`together`.
        ignore_exif: do not read what the file itself says of its position.
        limits: on the file.

    Raises:
        PhotoError: the photo cannot be used.
    """
    alone = galleries.alone
    if alone is not None:
        return locate(path, alone, ignore_exif=ignore_exif, world=galleries.config, limits=limits)
    begun = time.perf_counter()
    seen = None
    if galleries.landmarks is not None:
        seen = locate(path, galleries.landmarks, ignore_exif=True, limits=limits).fix
    with threadpool_limits(1):
        picture = read_picture(path, limits)
        experts: list[Expert] = []
        evidence: dict[str, list[Evidence]] = {}
        kinds = Counter(world.spec.rows for world in galleries.worlds)
        vectors: dict[str, NDArray[np.float32]] = {}
        for world in galleries.worlds:
            key = query_encoder_key(world.spec)
            if key not in vectors:
                vectors[key] = query_vectors([picture], world)[0]
            belief = believe(vectors[key], world, galleries.config)
            density = density_of(belief.p, belief.rows, galleries.config.centres)
            experts.append(Expert(world.spec.rows, density, trust=1 / kinds[world.spec.rows]))
            evidence.setdefault(world.spec.rows, []).extend(evidence_in(belief, world))
        fused = fuse(experts, seen)
        # What carried the belief comes first.
        strongest = sorted(evidence, key=lambda kind: -fused.carried_by.get(kind, 0.0))
        fix = _answer(seen, fused, tuple(one for kind in strongest for one in evidence[kind]), galleries)
    if not ignore_exif:
        fix = replace(fix, recorded=recorded_position(path, fix, limits))
    return Located(Path(path), fix, time.perf_counter() - begun)


def _answer(seen: Fix | None, fused: Fused, evidence: tuple[Evidence, ...], galleries: FusedGalleries) -> Fix:
    if seen is not None and seen.answered and fused.carried_by.get(LANDMARKS, 0.0) >= _HALF:
        return replace(seen, density=fused.density, carried_by=fused.carried_by)
    belief = belief_from(fused.density)
    calibration, guess = galleries.worlds[0].calibration, galleries.config.guess
    if guess is not None:
        calibration = replace(calibration, guess=guess)
    areas = area_table(places_of(belief.rows.lat_deg, belief.rows.lon_deg))
    fix = decide(belief, calibration, evidence, areas, galleries.config.centres)
    return replace(fix, density=fused.density, carried_by=fused.carried_by)
