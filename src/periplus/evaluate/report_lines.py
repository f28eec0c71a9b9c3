"""The report for reading, as lines of plain text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from periplus.evaluate.fix_report import Clustered, FixReport
from periplus.evaluate.relevance import WITHOUT_POSITIVES
from periplus.records import Interval, Report


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


def _points(value: float) -> str:
    return f"{value:.0f}"


def _seconds(value: float) -> str:
    return f"{value:.3g} s"


_LABELS: Final[dict[str, tuple[str, Callable[[float], str]]]] = {
    "answered": ("answered", _share),
    "within_km": ("within {} km", _share),
    "within_km_answered": ("  of the answered", _share),
    "geoscore": ("GeoScore", _points),
    "geoscore_rounded": ("GeoScore, rounded each", _points),
    "mean_km": ("mean distance", _km),
    "mean_km_answered": ("  of the answered", _km),
    "median_km": ("median distance", _km),
    "median_km_answered": ("  of the answered", _km),
    "place_accuracy": ("right {}", _share),
    "coverage_50": ("truth in the 50 % radius", _share),
    "coverage_90": ("truth in the 90 % radius", _share),
    "seconds_per_query": ("time a query", _seconds),
    "accuracy": ("top-1 accuracy", _rate),
    **{name: (name, _rate) for name in ("GAP", "MAP@R", "R-precision")},
    **{name: (name + "@{}", _rate) for name in ("mAP", "mP", "precision", "recall")},
}


_HEADS: Final = {
    "within_km": "{} km",
    "geoscore": "GeoScore",
    "mean_km": "mean",
    "median_km": "median",
    "place_accuracy": "{}",
}
"""What a line of a stratum shows, and its short heads."""


def report_lines(report: Report) -> list[str]:
    """A report as plain text, for people: the counts, then a line a value with its 95 % interval.

    A value that nothing was measured for is a dash. Each ``within_km`` is followed by its ``within_km_answered``. Where
    queries are clustered, the interval that allows for it follows, with as many independent queries as would tell as
    much. Then, as far as there are: what true places were compared with, and the values of each stratum, a line each.
    """
    groups = report.clustered if isinstance(report, FixReport) else None
    rows = [(*_row(name, report.values[name]), _by_cluster(name, groups)) for name in _reading_order(report)]
    lines = [_headline(report), *_columns(rows, "<><<")]
    if not isinstance(report, FixReport):
        return lines
    if groups is not None:
        lines.append(f"  ({groups.clusters} clusters by {groups.column}; the first interval: as if there were none)")
    for kind, truth in report.places.items():
        missed = ((truth.unknown, "unknown"), (truth.unrecognised, "unrecognised"))
        left_out = ", ".join(f"{why} {n}" for n, why in missed if n)
        lines.append(f"  true {kind}: {truth.source}, {truth.n} queries" + (f"; left out: {left_out}" * bool(left_out)))
    for kind, strata in report.strata.items():
        lines += ["", f"by {kind.replace('_', ' ')}:", *_stratum_lines(strata)]
    return lines


def _by_cluster(name: str, groups: Clustered | None) -> str:
    if groups is None or math.isnan((one := groups.intervals[name]).low):
        return ""
    _, text = _label(name)
    n = groups.effective_n.get(name, math.nan)
    ends = f"by {groups.column} [{text(one.low)}, {text(one.high)}]"
    return ends if math.isnan(n) else f"{ends}, effective n {n:.0f}"


def _stratum_lines(strata: Mapping[str, FixReport]) -> list[str]:
    names = [name for name in next(iter(strata.values())).values if name.partition("/")[0] in _HEADS]
    head = ("", "queries", *(_HEADS[name.partition("/")[0]].format(name.partition("/")[2]) for name in names))
    rows = [(name, str(one.n), *(_row(value, one.values[value])[1] for value in names)) for name, one in strata.items()]
    return _columns([head, *rows], "<" + ">" * (len(names) + 1))


def _columns(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows of cells under each other, each column to its side."""
    wide = [max(len(row[i]) for row in rows) for i in range(len(sides))] if rows else []
    cells = [[f"{cell:{side}{w}}" for cell, side, w in zip(row, sides, wide, strict=True)] for row in rows]
    return [("  " + "  ".join(row)).rstrip() for row in cells]


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


def _label(name: str) -> tuple[str, Callable[[float], str]]:
    family, _, threshold = name.partition("/")
    label, text = _LABELS.get(family, (name, "{:.4g}".format))
    return label.format(threshold).removesuffix("@"), text  # a plain mAP has no depth


def _row(name: str, measured: Interval) -> tuple[str, str, str]:
    label, text = _label(name)
    if math.isnan(measured.value):
        return label, "-", ""
    return label, text(measured.value), f"[{text(measured.low)}, {text(measured.high)}]"
