"""Hubs: vectors that are among the nearest of very many others, and those that are among nobody's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from periplus.spatial.vectors.unit_blocks import Rows, Values


@dataclass(frozen=True, eq=False)
class Hubness:
    """How unevenly vectors are found by others.

    Attributes:
        k: neighbours of each.
        occurrence: int64 (m,), N_k: among the k nearest of how many others each vector is; its mean is k.
        skewness: of N_k (Radovanovic, Nanopoulos, Ivanovic: Hubs in space. JMLR 2010, eq. 1); 0 where it is even.
        largest: of N_k.
        antihubs: share of vectors with N_k = 0.
        gini: Gini's coefficient of N_k, 0 where all are found equally often, near 1 where one is always.
        robin_hood: share of findings to be handed on until all are equal, Σ |N_k - k| / (2 m k).
        hubs: int64 (h,), rows of the input with the largest N_k, largest first; equal ones by row.
        hub_occurrence: int64 (h,), their N_k.
    """

    k: int
    occurrence: Rows
    skewness: float
    largest: int
    antihubs: float
    gini: float
    robin_hood: float
    hubs: Rows
    hub_occurrence: Rows


def measure_hubness(nearest: Rows, rows: Rows, hubs: int) -> Hubness:
    """Of the nearest of each of m vectors (m, k), whose rows in the input are ``rows`` (m,), ascending."""
    m, k = nearest.shape
    occurrence = np.bincount(nearest.ravel(), minlength=m).astype(np.int64)
    top = np.argsort(-occurrence, kind="stable")[:hubs]
    return Hubness(
        k=k,
        occurrence=occurrence,
        skewness=_skewness((occurrence - k).astype(np.float64)),
        largest=int(occurrence.max()),
        antihubs=float(np.mean(occurrence == 0)),
        gini=float((2 * np.arange(1, m + 1) - m - 1) @ np.sort(occurrence) / (m * m * k)),
        robin_hood=float(np.abs(occurrence - k).sum() / (2 * m * k)),
        hubs=rows[top],
        hub_occurrence=occurrence[top],
    )


def _skewness(rest: Values) -> float:
    variance = float(np.mean(rest**2))
    return float(np.mean(rest**3)) / variance**1.5 if variance else 0.0
