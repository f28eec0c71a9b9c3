"""The report for reading: one row a query, and lines of plain text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.evaluate.relevance import WITHOUT_POSITIVES
from periplus.records import Fix, Interval, Report

QUERY_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("true_lat_deg", pa.float64()),
        pa.field("true_lon_deg", pa.float64()),
        pa.field("guess_lat_deg", pa.float64()),
        pa.field("guess_lon_deg", pa.float64()),
        pa.field("distance_km", pa.float64()),
        pa.field("answered", pa.bool_(), nullable=False),
        pa.field("confidence", pa.float64()),
        pa.field("radius_km_50", pa.float64()),
        pa.field("radius_km_90", pa.float64()),
        pa.field("seconds", pa.float64()),
        pa.field("reason", pa.string()),
    ]
)
"""Columns of a per-query table. Null is unknown: no true place, no guess, not measured; ``reason`` says why a query
was not answered and is null where it was."""


def query_table(
    ids: Sequence[str],
    fixes: Sequence[Fix],
    truth: tuple[NDArray[np.float64], NDArray[np.float64]],
    distance_km: NDArray[np.float64],
    seconds: NDArray[np.float64],
) -> pa.Table:
    """One row a query, in the order given.

    Args:
        ids: n names.
        fixes: n estimates.
        truth: true latitudes and longitudes in degrees, (n,) each, NaN where there is none.
        distance_km: (n,), of the guess from the truth; not finite where there is no guess or no truth.
        seconds: (n,), NaN where not measured.
    """
    columns: list[Sequence[object] | NDArray[np.float64]] = [
        list(ids),
        *truth,
        [fix.lat_deg for fix in fixes],
        [fix.lon_deg for fix in fixes],
        distance_km,
        [fix.answered for fix in fixes],
        [fix.confidence for fix in fixes],
        [fix.radius_km_50 for fix in fixes],
        [fix.radius_km_90 for fix in fixes],
        seconds,
        [fix.abstained for fix in fixes],
    ]
    arrays = [_column(values, field.type) for values, field in zip(columns, QUERY_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=QUERY_SCHEMA)


def _column(values: Sequence[object] | NDArray[np.float64], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_floating(kind):
        return pa.array(values, type=kind)
    numbers = np.asarray(values, np.float64)
    return pa.array(numbers, type=kind, mask=~np.isfinite(numbers))


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _rate(value: float) -> str:
    return f"{100 * value:.2f} %"


def _km(value: float) -> str:
    if math.isinf(value):
        return "∞ km"
    if value < 1:
        return f"{1000 * value:.{0 if value >= 0.0095 else 1}f} m"
    return f"{value:.{1 if value < 100 else 0}f} km"


def _seconds(value: float) -> str:
    return f"{value:.3g} s"


_LABELS: Final[dict[str, tuple[str, Callable[[float], str]]]] = {
    "answered": ("answered", _share),
    "within_km": ("within {} km", _share),
    "within_km_answered": ("  of the answered", _share),
    "median_km": ("median distance", _km),
    "median_km_answered": ("  of the answered", _km),
    "coverage_50": ("truth in the 50 % radius", _share),
    "coverage_90": ("truth in the 90 % radius", _share),
    "seconds_per_query": ("time a query", _seconds),
    "accuracy": ("top-1 accuracy", _rate),
    **{name: (name, _rate) for name in ("GAP", "MAP@R", "R-precision")},
    **{name: (name + "@{}", _rate) for name in ("mAP", "mP", "precision", "recall")},
}


def report_lines(report: Report) -> list[str]:
    """A report as plain text, for people: the counts, then a line a value with its 95 % interval.

    A value that nothing was measured for is a dash. Each ``within_km`` is followed by its ``within_km_answered``.
    """
    rows = [_row(name, report.values[name]) for name in _reading_order(report)]
    wide, long = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    return [_headline(report), *(f"  {a:<{wide}}  {b:>{long}}  {c}".rstrip() for a, b, c in rows)]


def _headline(report: Report) -> str:
    line = f"{report.protocol}: {report.n} {'query' if report.n == 1 else 'queries'}"
    told = sorted(item for item in report.left_out.items() if item[1] or item[0] == WITHOUT_POSITIVES)
    left_out = ", ".join(f"{reason} {count}" for reason, count in told)
    return f"{line}; left out: {left_out}" if left_out else line


def _reading_order(report: Report) -> list[str]:
    names = list(report.values)
    partner = {name: name.replace("within_km_answered/", "within_km/") for name in names}
    place = {name: names.index(whole) if whole in names else names.index(name) for name, whole in partner.items()}
    return sorted(names, key=lambda name: (place[name], partner[name] != name))


def _row(name: str, measured: Interval) -> tuple[str, str, str]:
    family, _, threshold = name.partition("/")
    label, text = _LABELS.get(family, (name, "{:.4g}".format))
    label = label.format(threshold).removesuffix("@")  # a plain mAP has no depth
    if math.isnan(measured.value):
        return label, "-", ""
    return label, text(measured.value), f"[{text(measured.low)}, {text(measured.high)}]"
