"""From fixes and true positions to a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.evaluate.bootstrap import bootstrap_interval, wilson_interval
from periplus.evaluate.protocols import FixProtocol, threshold_text
from periplus.evaluate.table import query_table
from periplus.geo import distance_km
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
) -> Report:
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

    Intervals hold 95 %: Wilson's score interval for shares, the percentile bootstrap of 1000 resamples for the rest.
    Both take queries as independent: many queries by one photographer make them too narrow. A share of none, such
    as ``coverage_90`` where nothing was answered, is NaN with a NaN interval. The order of the queries does not
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
    counted, truth = [fixes[row] for row in rows], (lat[known], lon[known])
    distance = errors_km(counted, *truth)
    return Report(
        protocol=protocol.name,
        values={
            **_distances(counted, distance, protocol, seed),
            "seconds_per_query": _resampled(spent[known & ~np.isnan(spent)], np.mean, seed),
        },
        n=len(counted),
        left_out=reasons,
        table=query_table([ids[row] for row in rows], counted, truth, distance, spent[known]),
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
    return Report(STRANGERS, {"answered": _share(answered)}, len(fixes), dict(left_out), table=table)


def errors_km(fixes: Sequence[Fix], lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each best guess is from the truth: km (n,), infinite where there is no guess on the globe."""
    guess = np.array([(fix.lat_deg, fix.lon_deg) for fix in fixes], np.float64).reshape(-1, 2)
    off = ~((np.abs(guess[:, 0]) <= 90) & (np.abs(guess[:, 1]) <= 180))
    guess[off] = np.nan
    return np.where(off, np.inf, distance_km(guess[:, 0], guess[:, 1], lat_deg, lon_deg))


def _distances(
    fixes: Sequence[Fix], distance: NDArray[np.float64], protocol: FixProtocol, seed: int
) -> dict[str, Interval]:
    answered = np.array([fix.answered for fix in fixes])
    radius_km_50 = np.array([fix.radius_km_50 for fix in fixes], np.float64)
    radius_km_90 = np.array([fix.radius_km_90 for fix in fixes], np.float64)
    steps = [(threshold_text(t), distance <= t) for t in protocol.thresholds_km]
    return {
        "answered": _share(answered),
        **{f"within_km/{text}": _share(within) for text, within in steps},
        **{f"within_km_answered/{text}": _share(within[answered]) for text, within in steps},
        "median_km": _resampled(distance, np.median, seed),
        "median_km_answered": _resampled(distance[answered], np.median, seed),
        "coverage_50": _share((distance <= radius_km_50)[answered]),
        "coverage_90": _share((distance <= radius_km_90)[answered]),
    }


def _share(hits: NDArray[np.bool_]) -> Interval:
    k, n = int(hits.sum()), len(hits)
    return Interval(k / n if n else math.nan, *wilson_interval(k, n))


def _resampled(values: NDArray[np.float64], statistic: Callable[..., Any], seed: int) -> Interval:
    # Sorted, so that not even the last bit of a sum depends on the order of the queries.
    value = float(statistic(np.sort(values), axis=-1)) if len(values) else math.nan
    return Interval(value, *bootstrap_interval(values, statistic, seed=seed))


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
