"""Splits of a collection that leak nothing: a group of duplicates stays on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError

TRAIN: Final = "train"
"""Trained on, and in the gallery."""
INDEX: Final = "index"
"""In the gallery only: what a model finds among photos that it has never seen."""
QUERY_PUBLIC: Final = "query-public"
"""Queries to choose settings by; not in the gallery."""
QUERY_PRIVATE: Final = "query-private"
"""Queries to report; not in the gallery, and never chosen by."""


@dataclass
class _Landmark:
    """The groups of one landmark that have no role yet, shuffled; and how many photos it has in all."""

    photos: int
    free: list[int]


def split_by_group(
    groups: NDArray[np.int64],
    labels: Sequence[str | None],
    *,
    sizes: Mapping[str, int],
    seed: int,
    index_only: float = 0.2,
) -> list[str]:
    """A role for every photo: the named ones by size, of the rest a share :data:`INDEX`, the others :data:`TRAIN`.

    Each role gets every landmark's part by its number of photos (largest remainders). A group goes whole, under its
    commonest landmark, so a role may stay below its size where groups do not fit; it is never above. The last group
    of a landmark is not taken: it stays to be found and learnt.

    Args:
        groups: int64 (n,), which photos must stay together.
        labels: n landmarks; None for photos without.
        sizes: photos by role, as in ``{"query-public": 350, "query-private": 650}``, served in this order.
        seed: of the shuffle; the same input and seed give the same split.
        index_only: share of the rest that is not trained on, 0 to 1.

    Raises:
        UsageError: the parts do not fit each other, or more is asked for than there is.
    """
    n = len(groups)
    if len(labels) != n:
        raise UsageError(f"{n} groups do not fit {len(labels)} labels.")
    if not 0 <= index_only <= 1 or any(size < 0 for size in sizes.values()) or {TRAIN, INDEX} & set(sizes):
        raise UsageError(
            f"Sizes {dict(sizes)} with an index-only share of {index_only}: sizes are not negative, name neither "
            f"{TRAIN!r} nor {INDEX!r}, and the share is 0 to 1."
        )
    if sum(sizes.values()) > n:
        raise UsageError(f"Sizes {dict(sizes)} ask for more than the {n:,} photos there are. Ask for fewer.")
    _, unit, count = np.unique(groups, return_inverse=True, return_counts=True)
    landmarks = _landmarks(unit, count, labels, np.random.default_rng(seed))
    role = np.full(len(count), TRAIN, dtype=object)
    for name, size in {**sizes, INDEX: round(index_only * (n - sum(sizes.values())))}.items():
        role[_taken(landmarks, size, count)] = name
    return [str(one) for one in role[unit]]


def _landmarks(
    unit: NDArray[np.int64], count: NDArray[np.int64], labels: Sequence[str | None], rng: np.random.Generator
) -> list[_Landmark]:
    """The landmarks by name, each with its groups in random order."""
    names, code = np.unique([label or "" for label in labels], return_inverse=True)
    # Of a group with several landmarks the commonest, of equal ones the first.
    both, times = np.unique(np.stack([unit, code], axis=1), axis=0, return_counts=True)
    order = np.lexsort((both[:, 1], -times, both[:, 0]))
    of_unit = both[order][np.unique(both[order][:, 0], return_index=True)[1], 1]
    found = []
    for landmark in range(len(names)):
        units = np.flatnonzero(of_unit == landmark)
        found.append(_Landmark(int(count[units].sum()), rng.permutation(units).tolist()))
    return found


def _taken(landmarks: list[_Landmark], size: int, count: NDArray[np.int64]) -> list[int]:
    """Take groups with together at most ``size`` photos, in proportion; what is left over from the largest first."""
    taken: list[int] = []
    for landmark, share in zip(landmarks, _shares(size, [one.photos for one in landmarks]), strict=True):
        taken += _fit(landmark, share, count)
    missing = size - int(count[taken].sum()) if taken else size
    for landmark in sorted(landmarks, key=lambda one: -len(one.free)):
        more = _fit(landmark, missing, count)
        missing -= int(count[more].sum()) if more else 0
        taken += more
    return taken


def _fit(landmark: _Landmark, room: int, count: NDArray[np.int64]) -> list[int]:
    """Take groups from the front while they fit, but never the last."""
    taken: list[int] = []
    kept: list[int] = []
    for one in landmark.free:
        if count[one] <= room and len(taken) + 1 < len(landmark.free):
            taken.append(one)
            room -= int(count[one])
        else:
            kept.append(one)
    landmark.free = kept
    return taken


def _shares(size: int, photos: list[int]) -> list[int]:
    """``size`` in proportion to ``photos``, whole numbers with that sum (Hamilton's largest remainders)."""
    exact = size * np.asarray(photos, np.float64) / max(1, sum(photos))
    shares = np.floor(exact).astype(np.int64)
    rest = np.argsort(-(exact - shares), kind="stable")[: size - int(shares.sum())]
    shares[rest] += 1
    return [int(share) for share in shares]
