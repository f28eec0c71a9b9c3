"""Semivariograms of a source: by column, group and direction, with models fitted to each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from periplus.errors import UsageError
from periplus.pipeline.spatial.lag_choice import LagChoice
from periplus.pipeline.spatial.observing import Observed, groups_of, observed
from periplus.pipeline.spatial.opening import Placed
from periplus.pipeline.spatial.reading import Tell, own_checkpoint
from periplus.spatial import (
    Estimator,
    Family,
    Fit,
    Lags,
    Metric,
    Observations,
    PassSettings,
    Variogram,
    Weights,
    exact_variograms,
    fit_model,
    sampled_variograms,
    with_intervals,
)
from periplus.spatial.fitting.intervals import FEWEST_SAMPLES


@dataclass(frozen=True)
class FitChoice:
    """Which models are fitted.

    Attributes:
        families: of models; none for no fit.
        weights, metric, max_km: of :func:`periplus.spatial.fit_model`.
        resamples: of the bootstrap over blocks that gives the best model its intervals; 0 for none.

    Raises:
        UsageError: the longest lag is not above 0, or resamples are too few to tell intervals.
    """

    families: tuple[Family, ...] = ()
    weights: Weights = "equal"
    metric: Metric = "great-circle"
    max_km: float | None = None
    resamples: int = 200

    def __post_init__(self) -> None:
        """Check."""
        if self.max_km is not None and not 0 < self.max_km < math.inf:
            raise UsageError(f"A fit to lags up to {self.max_km:g} km is impossible; give a positive number.")
        if 0 < self.resamples < FEWEST_SAMPLES:
            raise UsageError(f"Intervals need {FEWEST_SAMPLES} resamples or more, not {self.resamples}; 0 for none.")


@dataclass(frozen=True)
class VariogramQuestion:
    """What is asked.

    Attributes:
        columns: numbers to look at, each by itself; the vectors where there are none.
        cross: a second column, for cross-variograms.
        by: what places are grouped by; None for all together.
        lags: classes of distance, the same for every curve.
        estimator: one of :data:`periplus.spatial.ESTIMATORS`.
        sectors: axis directions that are told apart; 1 for none.
        sample: pairs a lag at most, drawn evenly; 0 for all pairs.
        seed: of that draw and of the bootstrap.
        fit: which models.
        how: workers, backend, checkpoint.

    Raises:
        UsageError: a sample of pairs is to be drawn with torch, or to go on from a checkpoint.
    """

    columns: tuple[str, ...] = ()
    cross: str | None = None
    by: str | None = None
    lags: LagChoice = field(default_factory=LagChoice)
    estimator: Estimator = "matheron"
    sectors: int = 1
    sample: int = 0
    seed: int = 0
    fit: FitChoice = field(default_factory=FitChoice)
    how: PassSettings = field(default_factory=PassSettings)

    def __post_init__(self) -> None:
        """Check."""
        if self.sample and (self.how.backend != "numpy" or self.how.checkpoint is not None):
            raise UsageError("A sample of pairs takes seconds, with NumPy: leave --device and --checkpoint out.")


@dataclass(frozen=True, eq=False)
class VariogramAnswer:
    """What was found.

    Attributes:
        variograms: one a column (or the vectors), group and sector.
        variables: for each of them what was observed: a column, or what made the vectors.
        fits: for each of them the models, the best first; those that could not be fitted are missing.
        notes: what was left out, and which models could not be fitted, in plain sentences.
    """

    variograms: tuple[Variogram, ...]
    variables: tuple[str, ...]
    fits: tuple[tuple[Fit, ...], ...]
    notes: tuple[str, ...]

    @property
    def best(self) -> tuple[Fit, ...]:
        """The best model of each curve that has one."""
        return tuple(fits[0] for fits in self.fits if fits)


def answer_variograms(sources: Sequence[Placed], question: VariogramQuestion, tell: Tell) -> VariogramAnswer:
    """Estimate semivariograms of one or several sources and fit models to them.

    Raises:
        UsageError: a column or group does not exist, or lags, estimator or models cannot be.
        EmptyInputError: there are too few places.
    """
    curves: list[Variogram] = []
    variables: list[str] = []
    notes: list[str] = []
    lags: Lags | None = None
    parts = chain.from_iterable(_parts(placed, question, len(sources) > 1, notes) for placed in sources)
    for number, (label, seen) in enumerate(parts):
        # One set of lags: curves that are drawn together can be compared.
        lags = lags or question.lags.of(seen.observations)
        own = replace(question, how=own_checkpoint(question.how, number))
        found = _estimated(seen.observations, lags, own, tell)
        curves += [replace(curve, label=_label(label, curve)) for curve in found]
        variables += [seen.label] * len(found)
    fits = []
    for curve in curves:
        fitting, failed = fitted(curve, question.fit, question.seed)
        fits.append(fitting)
        notes += failed
    return VariogramAnswer(tuple(curves), tuple(variables), tuple(fits), tuple(dict.fromkeys(notes)))


def fitted(curve: Variogram, choice: FitChoice, seed: int = 0) -> tuple[tuple[Fit, ...], list[str]]:
    """The models of a curve, the best first, with intervals for the best; and what could not be fitted and why."""
    fits, failed = [], []
    for family in choice.families:
        try:
            fits.append(fit_model(curve, family, choice.weights, choice.metric, max_km=choice.max_km))
        except UsageError as error:
            failed.append(f"No {family} model for {curve.label or 'the semivariogram'}: {error}")
    fits.sort(key=lambda fit: fit.aic)
    if fits and choice.resamples and curve.blocks is not None:
        try:
            fits[0] = with_intervals(curve, fits[0], choice.resamples, seed)
        except UsageError as error:
            failed.append(f"No intervals for {curve.label or 'the semivariogram'}: {error}")
    return tuple(fits), failed


def _parts(
    placed: Placed, question: VariogramQuestion, several: bool, notes: list[str]
) -> Iterator[tuple[str, Observed]]:
    """Every variable in every group, with a label of what tells it from the others."""
    groups: Sequence[tuple[str, Placed]] = [("", placed)]
    if question.by is not None:
        taken, left = groups_of(placed.catalog, question.by)
        groups = [(name, placed.rows(rows)) for name, rows in taken.items()]
        if left:
            notes.append(f"{left:,} places are in no group, or in one that is too small.")
    for group, part in groups:
        for seen in observed(part, question.columns, question.cross):
            if seen.unknown:
                notes.append(f"{seen.unknown:,} places have no value of {seen.label} and were left out.")
            source = placed.label if several and question.columns else ""
            variable = seen.label if not group or several or len(question.columns) > 1 else ""
            yield ", ".join(filter(None, (source, variable, group))), seen


def _estimated(seen: Observations, lags: Lags, question: VariogramQuestion, tell: Tell) -> tuple[Variogram, ...]:
    if question.sample:
        return sampled_variograms(seen, lags, question.estimator, question.sectors, question.sample, question.seed)
    how = replace(question.how, progress=lambda done, total: tell("pairs", done, total))
    return exact_variograms(seen, lags, question.estimator, question.sectors, how)


def _label(label: str, curve: Variogram) -> str:
    if curve.sector_deg is None:
        return label
    start, end = curve.sector_deg
    return f"{label}, {(start + end) / 2 % 180:.4g}° ± {(end - start) / 2:.4g}°"
