"""Counting a collection: landmarks, times, places, cameras, duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from periplus.curate.capture import PARTS_OF_DAY, SEASONS, moment_of, part_of_day, season_of
from periplus.geo import places_of

Counts = dict[str, int]
"""How many by name, most first or in their own order."""


@dataclass(frozen=True)
class Landmarks:
    """How photos spread over landmarks.

    Attributes:
        counts: photos by landmark, most first, equal ones by name.
        unlabelled: photos without a landmark.
        half: how few landmarks hold half of the photos.
        singletons: landmarks with one photo only.
        gini: 0 where all have the same number, towards 1 where one has all.
    """

    counts: Counts
    unlabelled: int
    half: int
    singletons: int
    gini: float


@dataclass(frozen=True)
class Capture:
    """When photos were taken; every count but the first three is of dated photos.

    Attributes:
        dated: photos with a time that can be read.
        undated: the others.
        with_offset: dated photos whose offset from UTC is known.
        hours: 24 counts by the camera's clock.
        parts_of_day: by :data:`~periplus.curate.capture.PARTS_OF_DAY`, and ``unknown`` where only the day is known.
        seasons: by :data:`~periplus.curate.capture.SEASONS`, and ``unknown`` where the hemisphere is not.
        years: by year, in order.
    """

    dated: int
    undated: int
    with_offset: int
    hours: tuple[int, ...]
    parts_of_day: Counts
    seasons: Counts
    years: Counts


@dataclass(frozen=True)
class Places:
    """Where photos were taken, or what they show stands.

    Attributes:
        placed: photos with a position.
        from_file: those whose position only the photo's own file says.
        lat_deg, lon_deg: float64 (placed,), degrees.
        countries: photos by English name, most first.
    """

    placed: int
    from_file: int
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    countries: Counts


@dataclass(frozen=True)
class Duplicates:
    """Photos that show the same picture.

    Attributes:
        exact: photos whose bytes an earlier one has.
        near: photos beyond the best of their group, exact ones included.
        groups: rows of each group of two and more, the best first, of equal ones the first.
        conflicts: photos in groups with several landmarks.
        across: photos in groups that lie in several splits.
        landmark_pairs: groups by the two landmarks that they bring together, as ``"a | b"``.
        split_pairs: groups by the two splits that they bring together.
    """

    exact: int
    near: int
    groups: tuple[tuple[int, ...], ...]
    conflicts: int
    across: int
    landmark_pairs: Counts
    split_pairs: Counts


def count_landmarks(landmarks: Sequence[str | None]) -> Landmarks:
    """Count photos by landmark."""
    counts = ranked(name for name in landmarks if name)
    photos = np.asarray(list(counts.values()), np.int64)
    labelled = int(photos.sum())
    half = int(np.searchsorted(np.cumsum(photos), labelled / 2)) + 1 if labelled else 0
    rank = np.arange(len(photos), 0, -1)  # most first
    gini = float(2 * (rank * photos).sum() / (len(photos) * labelled) - 1 - 1 / len(photos)) if labelled else 0.0
    return Landmarks(counts, len(landmarks) - labelled, half, int((photos == 1).sum()), max(gini, 0.0))


def count_capture(times: Sequence[str | None], lat_deg: NDArray[np.float64]) -> Capture:
    """Count times of capture, with the latitudes in degrees (NaN unknown) for the seasons."""
    hours, years = np.zeros(24, np.int64), Counter[str]()
    parts: Counts = dict.fromkeys((*PARTS_OF_DAY, "unknown"), 0)
    seasons: Counts = dict.fromkeys((*SEASONS, "unknown"), 0)
    dated = offsets = 0
    for text, lat in zip(times, lat_deg.tolist(), strict=True):
        moment = moment_of(text)
        if moment is None:
            continue
        dated, offsets = dated + 1, offsets + moment.has_offset
        years[str(moment.year)] += 1
        seasons[season_of(moment.month, lat) or "unknown"] += 1
        parts["unknown" if moment.hour is None else part_of_day(moment.hour)] += 1
        if moment.hour is not None:
            hours[moment.hour] += 1
    in_order = dict(sorted(years.items()))
    return Capture(dated, len(times) - dated, offsets, tuple(hours.tolist()), parts, seasons, in_order)


def count_places(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64], from_file: NDArray[np.bool_]) -> Places:
    """Count positions (n,) in degrees, NaN where unknown, by the country of the nearest town."""
    known = ~np.isnan(lat_deg)
    lat, lon = lat_deg[known], lon_deg[known]
    # Many photos of one landmark share a position: each is looked up once.
    spots, back = np.unique(np.stack([lat, lon], axis=1), axis=0, return_inverse=True)
    countries = [place.country for place in places_of(spots[:, 0], spots[:, 1])]
    counts = ranked(countries[i] for i in back.tolist())
    return Places(int(known.sum()), int((known & from_file).sum()), lat, lon, counts)


def count_duplicates(
    group: NDArray[np.int64],
    exact: NDArray[np.bool_],
    quality: NDArray[np.int64],
    landmarks: Sequence[str | None],
    splits: Sequence[str | None],
) -> Duplicates:
    """Count duplicates.

    Args:
        group: int64 (n,), one number for photos that look alike.
        exact: bool (n,), photos whose bytes an earlier one has.
        quality: int64 (n,), the larger the better.
        landmarks: n names; None where unknown.
        splits: the same.
    """
    order = np.lexsort((np.arange(len(group)), -quality, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    together = [tuple(rows.tolist()) for rows in np.split(order, starts[1:]) if len(rows) > 1]
    conflicts, landmark_pairs = _meetings(together, landmarks)
    across, split_pairs = _meetings(together, splits)
    near = sum(len(rows) - 1 for rows in together)
    return Duplicates(int(exact.sum()), near, tuple(together), conflicts, across, landmark_pairs, split_pairs)


def names_in(rows: Iterable[int], names: Sequence[str | None]) -> list[str]:
    """The different names of some rows, sorted; unknown ones left out."""
    return sorted({name for row in rows if (name := names[row])})


def ranked(names: Iterable[str]) -> Counts:
    """Counts by name, most first, equal ones by name."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _meetings(together: list[tuple[int, ...]], names: Sequence[str | None]) -> tuple[int, Counts]:
    """Photos in groups with several names, and groups by each two names."""
    met = [(len(rows), different) for rows in together if len(different := names_in(rows, names)) > 1]
    return sum(n for n, _ in met), ranked(f"{a} | {b}" for _, names in met for a, b in combinations(names, 2))
