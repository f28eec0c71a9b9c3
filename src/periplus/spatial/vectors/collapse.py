"""Whether an embedding space is collapsed, or a cone: one record of what unit vectors tell about themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from periplus.errors import EmptyInputError, UsageError
from periplus.spatial.vectors.collapse_findings import findings
from periplus.spatial.vectors.hubness import Hubness, measure_hubness
from periplus.spatial.vectors.intrinsic_dimension import IntrinsicDimension, intrinsic_dimension
from periplus.spatial.vectors.nearest_vectors import distinct_rows, nearest_vectors, strips
from periplus.spatial.vectors.spectrum import Directions, directions, second_moments
from periplus.spatial.vectors.uniformity import alignment, pair_sums, pair_tiles, uniformity_of_uniform
from periplus.spatial.vectors.unit_blocks import Rows, Tick, Values, Vectors, gathered, row_blocks


@dataclass(frozen=True)
class CollapseSettings:
    """How vectors are looked at.

    Attributes:
        neighbours: k of hubness and of the intrinsic dimension by maximum likelihood.
        max_vectors: pairs and neighbours are looked at among so many vectors; of more a random sample is taken.
        bins: classes of the histogram of similarities.
        hubs: how many of the largest hubs are named.
        seed: of the sample.
        workers: threads; they do not change a bit of the result.
        progress: called with parts of the work done and parts in all.
        label: what the vectors are.

    Raises:
        UsageError: a number is too small.
    """

    neighbours: int = 10
    max_vectors: int = 50_000
    bins: int = 200
    hubs: int = 16
    seed: int = 0
    workers: int = 1
    progress: Callable[[int, int], None] | None = None
    label: str = ""

    def __post_init__(self) -> None:
        """Check."""
        least = {"neighbours": 2, "max_vectors": 2, "bins": 1, "hubs": 0, "seed": 0, "workers": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UsageError(f"{name} is {getattr(self, name)}; give at least {bound}.")


@dataclass(frozen=True, eq=False)
class Collapse:
    """What vectors at unit length tell about themselves.

    Similarity is the cosine; variance is that of unit vectors round their mean.

    Attributes:
        n: vectors that counted; dim: their length d.
        n_empty: vectors of zeros, left out.
        n_sampled: vectors among which pairs and neighbours were looked at; n where all were.
        n_copies: of the sampled, those that are exact copies of another; they have no part in hubness and dimension.
        mean_similarity, similarity_std: over all pairs, exactly. Vectors spread evenly have 0 and 1 / √d.
        mean_norm: length of the mean vector: 0 where directions cancel out, 1 where all are one.
        directions: the spectrum, and how many directions it amounts to.
        uniformity, uniformity_error: log mean exp(-2 |x - y|²) over pairs; its standard error where sampled, else 0.
        uniformity_expected: of vectors spread evenly, the least there can be for many.
        alignment: mean |x - y|² over the pairs that belong together, exactly; None without such.
        n_positives: pairs that ``alignment`` rests on.
        similarity_edges: float64 (b + 1,), and similarity_counts: int64 (b,), pairs (of the sampled) by similarity.
        hubness: None where fewer than three vectors differ.
        intrinsic_dimension: None where there are too few neighbours.
        label: what the vectors are.
    """

    n: int
    dim: int
    n_empty: int
    n_sampled: int
    n_copies: int
    mean_similarity: float
    similarity_std: float
    mean_norm: float
    directions: Directions
    uniformity: float
    uniformity_error: float
    uniformity_expected: float
    alignment: float | None
    n_positives: int
    similarity_edges: Values
    similarity_counts: Rows
    hubness: Hubness | None
    intrinsic_dimension: IntrinsicDimension | None
    label: str = ""

    @property
    def spectrum(self) -> Values:
        """Eigenvalues of the covariance, largest first, float64 (d,)."""
        return self.directions.spectrum

    @property
    def effective_rank(self) -> float:
        """Of the covariance."""
        return self.directions.effective_rank

    @property
    def participation_ratio(self) -> float:
        """Of the covariance."""
        return self.directions.participation_ratio

    @property
    def explained(self) -> tuple[int, int, int]:
        """Directions that carry 50, 90 and 99 % of the variance."""
        return self.directions.explained

    @property
    def findings(self) -> tuple[str, ...]:
        """The verdict in plain sentences."""
        return findings(self)


def measure_collapse(
    vectors: Vectors, positives: Rows | None = None, settings: CollapseSettings | None = None
) -> Collapse:
    """Measure how vectors fill their sphere.

    Means, spectrum and alignment come from all vectors, read a block at a time (they may be memory-mapped); pairs and
    neighbours from at most ``settings.max_vectors``. For "after whitening" pass the whitened vectors.

    Args:
        vectors: float16 or float32 (n, d), brought to unit length here; rows of zeros are left out.
        positives: int64 (p, 2), rows of pairs that belong together; those with a row of zeros are left out.
        settings: how.

    Raises:
        UsageError: the shape is wrong, a number is not finite, or a pair names a row that is not there or one twice.
        EmptyInputError: fewer than two vectors are not zero.
    """
    settings = settings or CollapseSettings()
    if vectors.ndim != 2 or not vectors.shape[1] or vectors.dtype.kind != "f":
        raise UsageError(f"Vectors are rows (n, d) of real numbers, not {vectors.dtype} {vectors.shape}.")
    if positives is not None:
        _check_pairs(positives, len(vectors))
    with threadpool_limits(1):
        return _measured(vectors, positives, settings)


def _measured(vectors: Vectors, positives: Rows | None, settings: CollapseSettings) -> Collapse:
    progress = _Progress(settings.progress, len(vectors), vectors.shape[1], settings.max_vectors)
    moments = second_moments(vectors, settings.workers, progress.tick)
    n, dim = len(moments.rows), vectors.shape[1]
    if n < 2:
        raise EmptyInputError(f"{n} of {len(vectors)} vectors are not zero; give at least two.")
    rows = _sampled(moments.rows, settings)
    unit = gathered(vectors, rows)
    pairs = pair_sums(unit, settings.bins, n, settings.workers, progress.tick)
    near, n_positives = (None, 0) if positives is None else alignment(vectors, positives)
    distinct = distinct_rows(unit)
    unit = unit if len(distinct) == len(unit) else unit[distinct]
    hubness, intrinsic = _among_neighbours(unit, rows[distinct], vectors.dtype, settings, progress.tick)
    progress.end()
    return Collapse(
        n=n,
        dim=dim,
        n_empty=len(vectors) - n,
        n_sampled=len(rows),
        n_copies=len(rows) - len(distinct),
        mean_similarity=moments.mean_similarity,
        similarity_std=moments.similarity_std,
        mean_norm=float(np.linalg.norm(moments.mean)),
        directions=directions(moments, vectors.dtype),
        uniformity=pairs.uniformity,
        uniformity_error=pairs.error,
        uniformity_expected=uniformity_of_uniform(dim),
        alignment=near,
        n_positives=n_positives,
        similarity_edges=np.linspace(-1, 1, settings.bins + 1),
        similarity_counts=pairs.counts,
        hubness=hubness,
        intrinsic_dimension=intrinsic,
        label=settings.label,
    )


def _sampled(rows: Rows, settings: CollapseSettings) -> Rows:
    if len(rows) <= settings.max_vectors:
        return rows
    drawn = np.random.default_rng(settings.seed).choice(len(rows), settings.max_vectors, replace=False)
    return rows[np.sort(drawn)]


def _among_neighbours(
    unit: NDArray[np.float32], rows: Rows, dtype: np.dtype[np.floating], settings: CollapseSettings, tick: Tick
) -> tuple[Hubness | None, IntrinsicDimension | None]:
    """Hubness and dimension of vectors that all differ; of few ones with fewer neighbours than asked for."""
    k = min(settings.neighbours, len(unit) - 1)
    if k < 2:
        return None, None
    nearest = nearest_vectors(unit, k, settings.workers, tick)
    rounding = max(float(np.finfo(dtype).eps), float(np.finfo(np.float32).eps))
    return measure_hubness(nearest.rows, rows, settings.hubs), intrinsic_dimension(nearest.distances, rounding)


def _check_pairs(positives: Rows, n: int) -> None:
    if positives.ndim != 2 or positives.shape[1] != 2 or positives.dtype.kind != "i":
        raise UsageError(f"Pairs that belong together are int64 (p, 2), not {positives.dtype} {positives.shape}.")
    wrong = ((positives < 0) | (positives >= n)).any(axis=1) | (positives[:, 0] == positives[:, 1])
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise UsageError(f"Pair {first} is {positives[first].tolist()}; it takes two different rows of 0 to {n - 1}.")


class _Progress:
    """Counts parts of the work; of fewer distinct vectors than expected there are fewer, and the end says so."""

    def __init__(self, report: Callable[[int, int], None] | None, n: int, dim: int, most: int) -> None:
        sampled = min(n, most)
        self._report, self._done = report, 0
        self._total = len(row_blocks(n, dim)) + len(pair_tiles(sampled)) + len(strips(sampled))

    def tick(self) -> None:
        """One more part is done."""
        self._done += 1
        if self._report is not None and self._done < self._total:
            self._report(self._done, self._total)

    def end(self) -> None:
        """All is done."""
        if self._report is not None:
            self._report(self._total, self._total)
