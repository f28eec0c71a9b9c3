"""The report for reading, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.evaluate.facts import Clusters
from periplus.evaluate.scores import Scores
from periplus.evaluate.strata import Stratum
from periplus.records import Fix

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


def with_facts(table: pa.Table, scores: Scores, strata: Mapping[str, Stratum], groups: Clusters | None) -> pa.Table:
    """The table with the true and the guessed place of each kind, the strata, and the cluster, as far as there are.

    Columns: ``true_KIND``, ``guess_KIND``, ``right_KIND`` (null where the query does not count) for each kind of place;
    ``stratum_NAME`` and the distances and counts that strata are made from; ``cluster``.
    """
    added: dict[str, pa.Array] = {}
    for kind, place in scores.places.items():
        added[f"true_{kind}"] = pa.array(place.names(), pa.string())
        added[f"guess_{kind}"] = pa.array(scores.guessed.names(kind) if scores.guessed else [], pa.string())
        added[f"right_{kind}"] = pa.array(place.right == 1, mask=np.isnan(place.right))
    for name, stratum in strata.items():
        words = (*stratum.names, None)
        added[f"stratum_{name}"] = pa.array([words[code] for code in stratum.codes.tolist()], pa.string())
        added |= {column: _column(values, pa.float64()) for column, values in stratum.columns.items()}
    if groups is not None:
        added["cluster"] = pa.array(groups.labels, pa.string())
    for column, values in added.items():
        table = table.append_column(column, values)
    return table


def _column(values: Sequence[object] | NDArray[np.float64], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_floating(kind):
        return pa.array(values, type=kind)
    numbers = np.asarray(values, np.float64)
    return pa.array(numbers, type=kind, mask=~np.isfinite(numbers))
