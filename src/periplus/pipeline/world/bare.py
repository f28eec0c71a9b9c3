"""Rows without pictures, positions and texts: what is kept of them, which are new, and what makes their vectors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from periplus.encode import LocationEncoder, TextEncoder, model_spec_from, open_text_encoder
from periplus.errors import UsageError
from periplus.gallery import Gallery, bare_hashes
from periplus.pipeline.world.opened import MASS
from periplus.pipeline.world.spec import WorldSpec, geo_model_of, require_texts
from periplus.records import Catalog, Skip

PROMPT = "prompt"
"""The column of a source whose rows are texts about places."""
CONTENT_HASH = "content_hash"


def row_encoder(spec: WorldSpec) -> Callable[[pa.Table], NDArray[np.float32]]:
    """What makes vectors (n, d) of a table of n rows.

    Raises:
        FingerprintError: the model has changed since the gallery was made.
        CannotRunError: it is not on this machine.
    """
    if spec.rows == "texts":
        model = (spec.query or {}).get("model")
        texts: TextEncoder = open_text_encoder(model_spec_from(model if isinstance(model, dict) else {}))
        require_texts(spec, texts)
        return lambda block: texts.encode([str(prompt) for prompt in block.column(PROMPT).to_pylist()])
    location: LocationEncoder = geo_model_of(spec).location
    return lambda block: location.encode(*(block.column(name).to_numpy() for name in ("lat_deg", "lon_deg")))


def bare_table(spec: WorldSpec, catalog: Catalog) -> tuple[pa.Table, list[Skip]]:
    """The rows as they are kept, and those that say nothing where texts are wanted.

    Pictures go: nobody looked at them, and they are no evidence.

    Raises:
        UsageError: texts are wanted of a source that has none.
    """
    table = catalog.table
    skipped: list[Skip] = []
    if spec.rows == "texts":
        if PROMPT not in table.column_names or not pa.types.is_string(table.schema.field(PROMPT).type):
            raise UsageError(
                f"A gallery of texts needs a source with texts in the column {PROMPT!r}, such as places:cities."
            )
        said = pc.fill_null(pc.not_equal(table.column(PROMPT), ""), False)
        mute = table.filter(pc.invert(said)).column("id").to_pylist()
        table, skipped = table.filter(said), [Skip(one, "without-text", f"its {PROMPT} is empty") for one in mute]
    path = table.column_names.index("path")
    table = table.drop_columns(list({CONTENT_HASH} & {*table.column_names}))
    table = table.set_column(path, table.schema.field(path), pa.nulls(len(table), pa.string()))
    return table.append_column(CONTENT_HASH, pa.array(bare_hashes(table), pa.string())), skipped


def differs(table: pa.Table, there: pa.Table) -> NDArray[np.bool_]:
    """Which rows another table does not have under their id with the very same values, bool (n,)."""
    at = pc.index_in(table.column("id"), there.column("id").combine_chunks())
    found = np.asarray(pc.is_null(at), bool)
    for name in table.column_names:
        own = table.column(name)
        if name not in there.column_names:
            found |= np.asarray(pc.is_valid(own), bool)
            continue
        kept = there.column(name).take(at)
        if own.type != kept.type:  # Other rows made it a column of another type.
            own, kept = own.cast(pa.string()), kept.cast(pa.string())
        same = pc.or_(pc.fill_null(pc.equal(own, kept), False), pc.and_(_unknown(own), _unknown(kept)))
        found |= ~np.asarray(same, bool)
    return found


def require_mass(catalog: Catalog) -> None:
    """Refuse rows that cannot be weighed.

    Raises:
        UsageError: what a row weighs is no number above 0.
    """
    if MASS not in catalog.table.column_names:
        return
    for row, mass in zip(catalog.ids, catalog.table.column(MASS).to_pylist(), strict=True):
        if isinstance(mass, bool) or not isinstance(mass, int | float) or not 0 < mass < math.inf:
            raise UsageError(
                f"{MASS} of {row!r} is {mass!r}; it must be a number above 0. Mend it, or drop the column."
            )


def require_one_kind_of_mass(gallery: Gallery, catalog: Catalog) -> None:
    """Refuse to weigh some rows by what a source says, and others by nothing.

    Raises:
        UsageError: the rows that are there say what they weigh and the new ones do not, or the other way round.
    """
    there, here = (MASS in one.table.column_names for one in (gallery.catalog, catalog))
    if len(gallery) and there != here:
        hint = "Make a new gallery" + (
            ", or name the table as positions:FILE, whose rows are weighed." if there else "."
        )
        raise UsageError(
            f"{gallery.path} has rows {'with' if there else 'without'} {MASS} and the source rows "
            f"{'with' if here else 'without'}: they cannot be weighed together. {hint}"
        )


def _unknown(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
