"""An audit for programs: one JSON document with stable keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from periplus.curate.audit import Audit
from periplus.curate.census import Counts

MOST_LISTED: Final = 100
"""Of landmarks, cameras, authors and pairs of landmarks only this many are listed, the most frequent; the rest is
counted."""


def audit_to_json(audit: Audit) -> dict[str, Any]:
    """An audit as what ``json.dumps(..., allow_nan=False)`` takes.

    ``findings`` counts photos by finding and ``thresholds`` says from where on; rows of single photos are in the table
    of findings. Lists of counts hold the most frequent :data:`MOST_LISTED`; the number of all is beside them.
    """
    marks, capture, places, same = audit.landmarks, audit.capture, audit.places, audit.duplicates
    return {
        "photos": audit.findings.num_rows,
        "without_photo": audit.bare,
        "skipped_by_kind": dict(Counter(skip.kind for skip in audit.skipped).most_common()),
        "with_finding": audit.flagged,
        "findings": dict(audit.counts),
        "thresholds": asdict(audit.config),
        "sizes_px": _sizes(audit),
        "splits": dict(audit.splits),
        "landmarks": {
            "different": len(marks.counts),
            "unlabelled": marks.unlabelled,
            "hold_half": marks.half,
            "with_one_photo": marks.singletons,
            "gini": round(marks.gini, 4),
            "photos": _most(marks.counts),
        },
        "duplicates": {
            "exact": same.exact,
            "near": same.near,
            "groups": len(same.groups),
            "largest_group": max((len(rows) for rows in same.groups), default=0),
            "in_label_conflict": same.conflicts,
            "across_splits": same.across,
            "groups_by_landmarks": _most(same.landmark_pairs),
            "groups_by_splits": dict(same.split_pairs),
        },
        "capture": {
            "dated": capture.dated,
            "undated": capture.undated,
            "with_utc_offset": capture.with_offset,
            "parts_of_day": dict(capture.parts_of_day),
            "hours": list(capture.hours),
            "seasons": dict(capture.seasons),
            "years": dict(capture.years),
        },
        "places": {
            "with_position": places.placed,
            "only_in_file": places.from_file,
            "countries": dict(places.countries),
        },
        "cameras": {"different": len(audit.cameras), "photos": _most(audit.cameras)},
        "authors": {"different": len(audit.authors), "photos": _most(audit.authors)},
    }


def _most(counts: Counts) -> Counts:
    return dict(list(counts.items())[:MOST_LISTED])


def _sizes(audit: Audit) -> dict[str, dict[str, float]]:
    """Least, median and largest of the sides."""
    found = {}
    for name in ("width_px", "height_px"):
        sides = np.asarray(audit.findings.column(name).drop_null().to_numpy(), np.float64)
        if len(sides):
            found[name] = {"least": sides.min(), "median": float(np.median(sides)), "largest": sides.max()}
    return {name: {key: float(value) for key, value in sides.items()} for name, sides in found.items()}
