"""The settings of what follows a training: re-ranking, refinement, evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from periplus.learn.strict import setting


@dataclass(frozen=True)
class RerankConfig:
    """[rerank]: the best candidates are scored again by local features.

    Attributes:
        method: which local features; ``none`` leaves the global ranking.
        formula: ``right`` (geometry; intra-normalisation; two-sided matching) or ``seed`` (the original's).
        candidates: how many of each query's best are scored again.
        weights: values of v in ``v * global + (1 - v) * local``, swept on the public queries.
        long_side_px: working size of local features.
        points: local features of a photo, at most.
    """

    method: Literal["none", "sift", "vlad", "patches"] = "none"
    formula: Literal["right", "seed"] = "right"
    candidates: int = setting(100, least=1)
    weights: tuple[float, ...] = setting((0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), least=0, most=1)
    long_side_px: int = setting(640, least=16)
    points: int = setting(1000, least=8)


@dataclass(frozen=True)
class RefineConfig:
    """[refine]: the ranking is improved from itself; each part is off where its first number is 0.

    Attributes:
        query_expansion: neighbours that a query's vector is averaged with, weighted by score to the power
            ``query_expansion_alpha``.
        database_augmentation: neighbours that each gallery vector is averaged with, to ``database_augmentation_alpha``.
        k_reciprocal: k1 of re-ranking by reciprocal neighbours, with ``k_reciprocal_k2`` and ``k_reciprocal_lambda``.
        super_global: candidates that SuperGlobal refines, with ``super_global_k`` neighbours and ``super_global_beta``.
        diffusion: candidates whose graph of neighbours is diffused over.
    """

    query_expansion: int = setting(0, least=0)
    query_expansion_alpha: float = setting(3.0, least=0)
    database_augmentation: int = setting(0, least=0)
    database_augmentation_alpha: float = setting(3.0, least=0)
    k_reciprocal: int = setting(0, least=0)
    k_reciprocal_k2: int = setting(6, least=1)
    k_reciprocal_lambda: float = setting(0.3, least=0, most=1)
    super_global: int = setting(0, least=0)
    super_global_k: int = setting(9, least=1)
    super_global_beta: float = setting(0.15, least=0)
    diffusion: int = setting(0, least=0)


@dataclass(frozen=True)
class EvaluateConfig:
    """[evaluate]: how the ranking is judged.

    Attributes:
        protocol: the name of an evaluation protocol.
        k: depth of the ranking.
        flips: whether a photo's vector is the mean of its own and its mirror image's.
        resamples: of the bootstrap behind the intervals.
    """

    protocol: str = "gldv2-retrieval"
    k: int = setting(100, least=1)
    flips: bool = False
    resamples: int = setting(1000, least=0)
