"""Collapse and cone of one or several sources, before and after whitening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from periplus.encode import learn_pca_whitening
from periplus.errors import UsageError
from periplus.pipeline.spatial.observing import vectors_of
from periplus.pipeline.spatial.opening import Placed, Vectors
from periplus.pipeline.spatial.positives import positives_of
from periplus.pipeline.spatial.reading import Tell
from periplus.pipeline.spatial.similarities import unit_vectors
from periplus.spatial import Collapse, CollapseSettings, measure_collapse

_LARGEST_DIM = 8192


@dataclass(frozen=True)
class CollapseQuestion:
    """What is asked.

    Attributes:
        settings: of every measure.
        positives: the column whose equal values make photos belong together.
        positives_km: or how near they are.
        whiten: directions that whitening keeps; 0 for no whitening, -1 for as many as 99 % of the variance need.

    Raises:
        UsageError: photos belong together by a column and by distance.
    """

    settings: CollapseSettings
    positives: str | None = None
    positives_km: float | None = None
    whiten: int = 0

    def __post_init__(self) -> None:
        """Check."""
        if self.positives is not None and self.positives_km is not None:
            raise UsageError("Photos belong together by --positives COLUMN or by --positives-km KM: give one.")


@dataclass(frozen=True, eq=False)
class CollapseAnswer:
    """What was found.

    Attributes:
        found: one a source, or two where it was whitened too.
        sources: for each of them the number of its source.
        notes: what makes photos belong together, what whitening kept, in plain sentences.
    """

    found: tuple[Collapse, ...]
    sources: tuple[int, ...]
    notes: tuple[str, ...]


def answer_collapses(sources: Sequence[Placed], question: CollapseQuestion, tell: Tell) -> CollapseAnswer:
    """Measure how the vectors of each source fill their sphere.

    Raises:
        UsageError: a source has no vectors, or whitening asks for more directions than there are.
        EmptyInputError: fewer than two photos have a vector.
    """
    settings = replace(question.settings, progress=lambda done, total: tell("measure", done, total))
    found: list[Collapse] = []
    owners: list[int] = []
    notes: list[str] = []
    for number, one in enumerate(sources):
        vectors = unit_vectors(vectors_of(one))
        pairs, why = positives_of(one, question.positives, question.positives_km, settings.seed)
        of = f" of {one.label}" if len(sources) > 1 else ""
        notes.append(f"Alignment{of}: {why}." if pairs is not None else f"No alignment{of}: {why}.")
        before = measure_collapse(vectors, pairs, replace(settings, label=one.label))
        found.append(before)
        owners.append(number)
        if question.whiten and not before.directions.rank:
            notes.append(f"No whitening{of}: all vectors are the same.")
        elif question.whiten:
            white, dim = _whitened(vectors, question.whiten, before)
            notes.append(f"Whitening{of} keeps {dim} of {vectors.shape[1]} directions, learnt from these very photos.")
            found.append(measure_collapse(white, pairs, replace(settings, label=f"{one.label}, whitened")))
            owners.append(number)
    return CollapseAnswer(tuple(found), tuple(owners), tuple(notes))


def _whitened(vectors: Vectors, wanted: int, before: Collapse) -> tuple[Vectors, int]:
    """Vectors after whitening by principal components, and how many directions it keeps; rows of 0 stay 0."""
    if vectors.shape[1] > _LARGEST_DIM:
        raise UsageError(f"Vectors of {vectors.shape[1]} numbers are too long to whiten; {_LARGEST_DIM} is the limit.")
    plain = np.asarray(vectors, np.float32)
    has_length = plain.any(axis=1)
    most = min(before.directions.rank, int(has_length.sum()) - 1)
    dim = before.explained[2] if wanted < 0 else wanted
    if dim > most:
        raise UsageError(f"Whitening cannot keep {dim} directions: these vectors have {most}. Ask for fewer.")
    learnt = learn_pca_whitening(plain[has_length], dim)
    white = np.zeros((len(plain), dim), np.float32)
    white[has_length] = learnt.apply(plain[has_length])
    return white, dim
