"""The report for programs: one JSON document with stable keys."""

from __future__ import annotations

import math
from typing import Any

from periplus.records import Report


def report_to_json(report: Report) -> dict[str, Any]:
    """A report as what ``json.dumps(..., allow_nan=False)`` takes.

    Keys: ``protocol``, ``n``, then one for each value by its name. A name with a slash becomes an object, its keys
    the thresholds as the user wrote them: ``within_km/0.025`` is ``["within_km"]["0.025"]``. ``intervals_95`` holds
    the same names, each with ``[low, high]``; ``left_out`` counts by reason, ``fingerprints`` by part. What is not
    finite is null: nothing to measure on (a share of none), or a median or an end of its interval among queries
    without any guess. The per-query table stays out.
    """
    intervals = {name: [_number(v.low), _number(v.high)] for name, v in report.values.items()}
    return {
        "protocol": report.protocol,
        "n": report.n,
        **_nested({name: _number(v.value) for name, v in report.values.items()}),
        "intervals_95": _nested(intervals),
        "left_out": dict(report.left_out),
        "fingerprints": dict(report.fingerprints),
    }


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
