"""Records as tables: one row a lag, a class of distance, or a set of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.spatial.clouds.cloud import BANDS, SimilarityCloud
from periplus.spatial.documents import collapse_measures
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.variograms.variogram import Variogram
from periplus.spatial.vectors.collapse import Collapse


def variogram_table(variograms: Sequence[Variogram], best: Sequence[Fit | None]) -> pa.Table:
    """One row a lag of each curve, with the value of its best model.

    Columns: ``label``, ``sector_from_deg``, ``sector_to_deg``, ``from_km``, ``to_km``, ``distance_km`` (mean of the
    pairs), ``gamma``, ``count``, ``pairs`` (of which ``count`` are a sample), ``standard_error``, ``sampling_error``,
    ``model``. What is not known is null.
    """
    return pa.concat_tables([_lags(curve, fit) for curve, fit in zip(variograms, best, strict=True)])


def similarity_table(clouds: Sequence[SimilarityCloud]) -> pa.Table:
    """One row a class of distance with pairs: ``label``, ``from_km``, ``to_km``, ``pairs``, ``mean``, ``q05`` ..."""
    return pa.concat_tables([_classes(cloud) for cloud in clouds])


def collapse_table(found: Sequence[Collapse]) -> pa.Table:
    """One row a set of vectors, one column a measure; unknown ones are null."""
    rows = [{"label": one.label, **collapse_measures(one)} for one in found]
    return pa.Table.from_pydict({
        name: pa.array(
            [row[name] for row in rows], pa.string() if name == "label" else pa.float64(), from_pandas=name != "label"
        )
        for name in rows[0]
    })  # fmt: skip


def _lags(curve: Variogram, fit: Fit | None) -> pa.Table:
    start, end = curve.sector_deg or (np.nan, np.nan)
    m = len(curve.gamma)
    columns = {
        "sector_from_deg": np.full(m, start),
        "sector_to_deg": np.full(m, end),
        "from_km": curve.edges_km[:-1],
        "to_km": curve.edges_km[1:],
        "distance_km": curve.distance_km,
        "gamma": curve.gamma,
        "count": curve.count,
        "pairs": curve.n_pairs,
        "standard_error": curve.standard_error,
        "sampling_error": curve.sampling_error,
        "model": np.full(m, np.nan) if fit is None else fit.model(curve.distance_km),
    }
    return _table(curve.label, columns)


def _classes(cloud: SimilarityCloud) -> pa.Table:
    pairs = cloud.counts.sum(axis=1)
    held = pairs > 0
    columns = {
        "from_km": cloud.distance_edges_km[:-1],
        "to_km": cloud.distance_edges_km[1:],
        "pairs": pairs,
        "mean": cloud.mean,
        **{f"q{band * 100:02.0f}": cloud.quantiles[:, k] for k, band in enumerate(BANDS)},
    }
    return _table(cloud.label, {name: values[held] for name, values in columns.items()})


def _table(label: str, columns: Mapping[str, NDArray[Any]]) -> pa.Table:
    """Columns of numbers, NaN as null, after one of the label."""
    rows = len(next(iter(columns.values())))
    arrays = {name: pa.array(values, mask=~np.isfinite(values)) for name, values in columns.items()}
    return pa.table({"label": pa.array([label] * rows, pa.string()), **arrays})
