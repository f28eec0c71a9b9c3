"""From measures to findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.curate.census import Duplicates, names_in
from periplus.curate.duplicates import DIM, exact_duplicates, groups, near_duplicates
from periplus.curate.findings import FLAGS
from periplus.curate.measured import AuditConfig, Measured
from periplus.curate.outliers import strangeness
from periplus.records import Skip

_GAUDY: Final = 40.0  # chroma that no toned print has
_DARK: Final = 80.0  # luma below which one colour is a night, not a ground


@dataclass(frozen=True)
class Alike:
    """Which photos look alike.

    Attributes:
        group: int64 (n,), one number for photos that look alike.
        exact: bool (n,), photos whose bytes an earlier one has.
        similarity: float64 (n,), to the likest other photo; NaN where none reaches the threshold.
    """

    group: NDArray[np.int64]
    exact: NDArray[np.bool_]
    similarity: NDArray[np.float64]


def find_alike(seen: Sequence[Measured | None], near: float) -> Alike:
    """Compare all photos; None stands for one that was not measured."""
    n = len(seen)
    links = exact_duplicates([one.content_hash if one else None for one in seen])
    copy = np.zeros(n, np.bool_)
    copy[links[:, 1]] = True
    # Of equal files one is compared: a thousand copies would be half a million pairs.
    rows = np.flatnonzero([one is not None and not copy[row] for row, one in enumerate(seen)])
    signatures = [one.signature for row in rows.tolist() if (one := seen[row])]
    pairs, alike = near_duplicates(np.stack(signatures) if signatures else np.zeros((0, DIM), np.float32), near)
    pairs = rows[pairs].reshape(-1, 2)
    similarity = np.full(n, -np.inf)
    for side in (0, 1):
        np.maximum.at(similarity, pairs[:, side], alike)
        similarity[links[:, side]] = 1.0
    similarity[np.isinf(similarity)] = np.nan
    return Alike(groups(n, np.concatenate([links, pairs])), copy, similarity)


def find_strangeness(seen: Sequence[Measured | None]) -> NDArray[np.float64]:
    """The strangeness of every photo (n,); NaN where it was not measured, or where there are too few."""
    rows = np.flatnonzero([one is not None for one in seen])
    scores = np.full(len(seen), np.nan)
    if len(rows):
        scores[rows] = strangeness(np.stack([one.statistics for one in seen if one]))
    return scores


def picture_flags(
    measured: Sequence[Measured | Skip | None], scores: NDArray[np.float64], config: AuditConfig
) -> dict[str, NDArray[np.bool_]]:
    """What is found of each photo by itself; all flags, those of duplicates still false."""
    flags = {name: np.zeros(len(measured), np.bool_) for name in FLAGS}
    for row, one in enumerate(measured):
        flags["unreadable"][row] = isinstance(one, Skip)
        if isinstance(one, Measured):
            look = one.appearance
            toned = config.grey_chroma <= look.chroma < _GAUDY and look.hue_b > 2.5 and look.hue_a > -1.5
            flags["small"][row] = min(one.width_px, one.height_px) < config.small_px
            flags["grey"][row] = look.chroma < config.grey_chroma
            flags["blank"][row] = look.entropy_bits < config.blank_bits
            flags["sepia"][row] = toned and look.tint_error < config.sepia_error and not flags["blank"][row]
            flags["blurred"][row] = look.sharpness < config.blurred and not flags["blank"][row]
            flags["graphic"][row] = look.plain_share >= config.graphic_share and look.plain_luma > _DARK
    flags["outlier"] = np.nan_to_num(scores, nan=0) > config.outlier
    return flags


def duplicate_flags(
    duplicates: Duplicates, exact: NDArray[np.bool_], landmarks: Sequence[str | None], splits: Sequence[str | None]
) -> dict[str, NDArray[np.bool_]]:
    """What is found of photos that look alike."""
    near, conflict, across = (np.zeros(len(exact), np.bool_) for _ in range(3))
    for rows in duplicates.groups:
        near[list(rows[1:])] = True
        conflict[list(rows)] = len(names_in(rows, landmarks)) > 1
        across[list(rows)] = len(names_in(rows, splits)) > 1
    return {"exact_duplicate": exact, "near_duplicate": near, "label_conflict": conflict, "across_splits": across}
