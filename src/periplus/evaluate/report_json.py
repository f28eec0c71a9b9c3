"""The report for programs: one JSON document with stable keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from periplus.evaluate.fix_report import FixReport
from periplus.records import Interval, Report


def report_to_json(report: Report) -> dict[str, Any]:
    """A report as what ``json.dumps(..., allow_nan=False)`` takes.

    Keys: ``protocol``, ``n``, then one for each value by its name. A name with a slash becomes an object, its keys
    the thresholds as the user wrote them: ``within_km/0.025`` is ``["within_km"]["0.025"]``. ``intervals_95`` holds
    the same names, each with ``[low, high]``; ``left_out`` counts by reason, ``fingerprints`` by part. What is not
    finite is null: nothing to measure on (a share of none), or a median or an end of its interval among queries
    without any guess. The per-query table stays out.

    A report of positions has three keys more, each only where there is something to tell: ``clustered`` (``column``,
    ``clusters``, and by the names of the values ``intervals_95``, ``design_effect`` and ``effective_n``), ``places``
    (by kind ``source``, ``n``, ``unknown``, ``unrecognised``) and ``strata`` (by kind and name ``n``, the values,
    ``intervals_95`` and ``clustered``).
    """
    return {
        "protocol": report.protocol,
        **_values(report),
        **(_of_positions(report) if isinstance(report, FixReport) else {}),
        "left_out": dict(report.left_out),
        "fingerprints": dict(report.fingerprints),
    }


def _values(report: Report) -> dict[str, Any]:
    return {
        "n": report.n,
        **_nested({name: _number(v.value) for name, v in report.values.items()}),
        "intervals_95": _intervals(report.values),
    }


def _of_positions(report: FixReport) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if (groups := report.clustered) is not None:
        told["clustered"] = {
            "column": groups.column,
            "clusters": groups.clusters,
            "intervals_95": _intervals(groups.intervals),
            "design_effect": _nested({name: _number(v) for name, v in groups.design_effect.items()}),
            "effective_n": _nested({name: _number(v) for name, v in groups.effective_n.items()}),
        }
    if report.places:
        told["places"] = {kind: asdict(truth) for kind, truth in report.places.items()}
    if report.strata:
        told["strata"] = {
            kind: {name: {**_values(one), **_of_positions(one)} for name, one in strata.items()}
            for kind, strata in report.strata.items()
        }
    return told


def _intervals(values: Mapping[str, Interval]) -> dict[str, Any]:
    return _nested({name: [_number(v.low), _number(v.high)] for name, v in values.items()})


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        family, slash, key = name.partition("/")
        if slash:
            tree.setdefault(family, {})[key] = value
        else:
            tree[name] = value
    return tree
