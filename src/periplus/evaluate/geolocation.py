"""From fixes and true positions to a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.evaluate.bootstrap import bootstrap_interval, wilson_interval
from periplus.evaluate.clustered import clustered_intervals, design_effect
from periplus.evaluate.facts import NO_FACTS, Clusters, QueryFacts
from periplus.evaluate.fix_report import Clustered, FixReport
from periplus.evaluate.protocols import PROTOCOLS, FixProtocol
from periplus.evaluate.scores import Measured, Scores, score_positions
from periplus.evaluate.strata import STRATA, Ground, Positions, Stratum
from periplus.evaluate.table import query_table, with_facts
from periplus.records import Fix, Interval, Report

STRANGERS: Final = "periplus-strangers"
"""The protocol of :func:`evaluate_strangers`."""

WITHOUT_POSITION: Final = "without-position"
"""Why a query that nobody knows the place of is left out."""

_NONE: Final[Mapping[str, int]] = MappingProxyType({})


def evaluate_fixes(
    fixes: Sequence[Fix],
    lat_deg: ArrayLike,
    lon_deg: ArrayLike,
    seconds: ArrayLike,
    protocol: FixProtocol,
    *,
    ids: Sequence[str],
    seed: int = 0,
    left_out: Mapping[str, int] = _NONE,
    facts: QueryFacts = NO_FACTS,
) -> FixReport:
    """Compare n estimates with the true positions of their cameras.

    Every query with a true position counts; the others are left out and counted as ``without-position``. The
    distance of a query is the great circle from its truth to its best guess, offered as an answer or not; infinite
    where there is no guess. The values:

    ================================ ======================================================= ==========
    ``answered``                     share of queries that are answered                      Wilson
    ``within_km/T``                  share of all queries whose distance is at most T km     Wilson
    ``within_km_answered/T``         the same share among the answered                       Wilson
    ``median_km``                    median distance of all queries                          bootstrap
    ``median_km_answered``           the same among the answered                             bootstrap
    ``coverage_50``, ``coverage_90`` share of the answered whose distance is at most their   Wilson
                                     own ``radius_km_50``, ``radius_km_90``
    ``seconds_per_query``            mean time of the queries whose time was measured        bootstrap
    ================================ ======================================================= ==========

    And those that only some protocols have:

    ================================ ======================================================= ==========
    ``geoscore``                     mean of 5000 exp(-distance / 1492.7 km) of all queries  bootstrap
    ``geoscore_rounded``             the same, each query's rounded first                    bootstrap
    ``mean_km``                      mean distance; infinite if one query has no guess       bootstrap
    ``mean_km_answered``             the same among the answered                             bootstrap
    ``place_accuracy/KIND``          share of the guesses that lie in the right continent,   Wilson
                                     country, region or city
    ================================ ======================================================= ==========

    Intervals hold 95 %: Wilson's score interval for shares, the percentile bootstrap of 1000 resamples for the rest.
    Both take queries as independent: many queries by one photographer make them too narrow. Where the queries have an
    author, or else a sequence, the report therefore has the intervals of the cluster bootstrap, too. A share of none,
    such as ``coverage_90`` where nothing was answered, is NaN with a NaN interval. The order of the queries does not
    matter.

    Args:
        fixes: n estimates.
        lat_deg: (n,) true latitudes, NaN where unknown.
        lon_deg: (n,) true longitudes, NaN where unknown.
        seconds: (n,) time that each query took, NaN where not measured.
        protocol: the thresholds T.
        ids: n names, for the per-query table, which has the n queries that count.
        seed: of the bootstrap.
        left_out: queries that did not come this far, counted by reason.
        facts: what else is known of the queries.

    Raises:
        EmptyInputError: no query, or none with a true position.
        UsageError: lengths disagree, a position is half known or not on the globe, a time is negative.
    """
    lat, lon, spent = _checked(len(fixes), ids, lat_deg, lon_deg, seconds)
    known = ~np.isnan(lat)
    if not known.any():
        raise EmptyInputError(
            f"None of {len(fixes)} queries has a true position to compare with. Give photos with GPS positions, or a "
            "table with the columns lat and lon."
        )
    reasons = dict(left_out)
    if missing := int((~known).sum()):
        reasons[WITHOUT_POSITION] = reasons.get(WITHOUT_POSITION, 0) + missing
    rows = np.flatnonzero(known).tolist()
    counted, names, truth = [fixes[row] for row in rows], [ids[row] for row in rows], (lat[known], lon[known])
    here = facts.of(known)
    scores = score_positions(_guesses(counted), truth, protocol, here.columns)
    measured = _measured(scores, counted, spent[known], protocol)
    groups = here.clusters(names)
    strata = {}
    if scores.true_places is not None:
        ground = Ground(truth, scores.true_places, here.gallery)
        strata = {kind: STRATA[kind](ground) for kind in protocol.strata}
    table = query_table(names, counted, truth, scores.distance_km, spent[known])
    return FixReport(
        protocol=protocol.name,
        values=_plain(measured, seed),
        n=len(counted),
        left_out=reasons,
        table=with_facts(table, scores, strata, groups),
        clustered=_clustered(measured, groups, seed),
        places={kind: place.truth for kind, place in scores.places.items()},
        strata=_strata(strata, scores, protocol, groups, seed),
    )


def evaluate_strangers(
    fixes: Sequence[Fix], *, ids: Sequence[str] | None = None, left_out: Mapping[str, int] = _NONE
) -> Report:
    """Count false answers to queries whose place the gallery does not have: every answer is wrong.

    The one value is ``answered``, the share of the n queries that were answered although they should not be, with
    Wilson's 95 % interval.

    Args:
        fixes: n estimates.
        ids: n names, for a per-query table without truth; None makes none.
        left_out: queries that did not come this far, counted by reason.

    Raises:
        EmptyInputError: no query.
        UsageError: lengths disagree.
    """
    unknown = np.full(len(fixes), np.nan)
    _checked(len(fixes), ids if ids is not None else [""] * len(fixes), unknown, unknown, unknown)
    answered = np.array([fix.answered for fix in fixes])
    table = None if ids is None else query_table(ids, fixes, (unknown, unknown), unknown, unknown)
    share = _plain({"answered": Measured(answered + 0.0, "share")}, 0)
    return Report(STRANGERS, share, len(fixes), dict(left_out), table=table)


def errors_km(fixes: Sequence[Fix], lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each best guess is from the truth: km (n,), infinite where there is no guess on the globe."""
    return score_positions(_guesses(fixes), (lat_deg, lon_deg), PROTOCOLS["im2gps"]).distance_km


def _guesses(fixes: Sequence[Fix]) -> Positions:
    return np.array([fix.lat_deg for fix in fixes], np.float64), np.array([fix.lon_deg for fix in fixes], np.float64)


def _measured(
    scores: Scores, fixes: Sequence[Fix], spent: NDArray[np.float64], protocol: FixProtocol
) -> dict[str, Measured]:
    """Every value of a report, query by query, in the report's order."""
    answered = np.array([fix.answered for fix in fixes])
    km = scores.distance_km

    def of_answered(numbers: ArrayLike) -> NDArray[np.float64]:
        return np.where(answered, numbers, np.nan)

    radii = {part: np.array([getattr(fix, f"radius_km_{part}") for fix in fixes], np.float64) for part in (50, 90)}
    within = {name: one for name, one in scores.measured.items() if name.startswith("within_km/")}
    means = {name: scores.measured[name] for name in protocol.scores}
    if "mean_km" in means:
        means["mean_km_answered"] = Measured(of_answered(km), "mean")
    return {
        "answered": Measured(answered + 0.0, "share"),
        **within,
        **{name.replace("/", "_answered/"): Measured(of_answered(one.of), "share") for name, one in within.items()},
        **means,
        "median_km": Measured(km, "median"),
        "median_km_answered": Measured(of_answered(km), "median"),
        **{name: one for name, one in scores.measured.items() if name.startswith("place_accuracy/")},
        **{f"coverage_{part}": Measured(of_answered(km <= radius), "share") for part, radius in radii.items()},
        "seconds_per_query": Measured(spent, "mean"),
    }


def _plain(measured: Mapping[str, Measured], seed: int) -> dict[str, Interval]:
    """The values with the intervals that hold where queries are independent."""
    found = {}
    for name, one in measured.items():
        counted = one.of[~np.isnan(one.of)]
        if one.statistic == "share":
            found[name] = Interval(one.value, *wilson_interval(int(np.count_nonzero(counted)), len(counted)))
        else:
            statistic = np.median if one.statistic == "median" else np.mean
            found[name] = Interval(one.value, *bootstrap_interval(counted, statistic, seed=seed))
    return found


def _clustered(
    measured: Mapping[str, Measured], groups: Clusters | None, seed: int, rows: NDArray[np.bool_] | None = None
) -> Clustered | None:
    if groups is None:
        return None
    codes = groups.codes if rows is None else np.unique(groups.codes[rows], return_inverse=True)[1]
    effects = {name: design_effect(one.of, codes) for name, one in measured.items() if one.statistic != "median"}
    counted = {name: int(np.count_nonzero(~np.isnan(measured[name].of))) for name in effects}
    return Clustered(
        groups.column,
        int(codes.max()) + 1,
        clustered_intervals(measured, codes, seed=seed),
        effects,
        {name: counted[name] / effect if effect else math.nan for name, effect in effects.items()},
    )


def _strata(
    strata: Mapping[str, Stratum], scores: Scores, protocol: FixProtocol, groups: Clusters | None, seed: int
) -> dict[str, dict[str, FixReport]]:
    """The values of the queries of each stratum alone; strata without queries are left out."""
    reports: dict[str, dict[str, FixReport]] = {}
    for kind, stratum in strata.items():
        if (stratum.codes < 0).all():
            continue
        reports[kind] = {}
        for code, name in enumerate(stratum.names):
            rows = stratum.codes == code
            if rows.any():
                own = {value: Measured(one.of[rows], one.statistic) for value, one in scores.measured.items()}
                reports[kind][name] = FixReport(
                    protocol.name, _plain(own, seed), int(rows.sum()), clustered=_clustered(own, groups, seed, rows)
                )
    return reports


def _checked(
    n: int, ids: Sequence[str], lat_deg: ArrayLike, lon_deg: ArrayLike, seconds: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    lat, lon, spent = (np.asarray(values, np.float64) for values in (lat_deg, lon_deg, seconds))
    if not (lat.shape == lon.shape == spent.shape == (len(ids),) == (n,)):
        raise UsageError(
            f"{n} fixes, {len(ids)} ids, latitudes {lat.shape}, longitudes {lon.shape} and seconds {spent.shape} "
            "must be as many of each."
        )
    if n == 0:
        raise EmptyInputError("There is no query to evaluate. Give at least one photo that can be opened.")
    wrong = (np.isnan(lat) != np.isnan(lon)) | (np.abs(lat) > 90) | (np.abs(lon) > 180)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UsageError(
            f"Query {ids[row]!r} has the impossible true position lat {lat[row]}, lon {lon[row]}: latitudes lie in "
            "[-90, 90], longitudes in [-180, 180), and both or neither must be known."
        )
    if (bad := (spent < 0) | np.isinf(spent)).any():
        row = int(np.flatnonzero(bad)[0])
        raise UsageError(f"Query {ids[row]!r} took {spent[row]} s: give a finite time, or NaN where not measured.")
    return lat, lon, spent
