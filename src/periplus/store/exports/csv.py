"""CSV (RFC 4180, UTF-8): all columns and all rows, empty cells for null."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from periplus.records import Catalog
from periplus.store.exports.values import plain


def write(catalog: Catalog, path: Path) -> None:
    """Write every row; lists and structures as JSON in their cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(catalog.table.column_names)
        for batch in catalog.table.to_batches():
            rows.writerows([_cell(value) for value in row.values()] for row in batch.to_pylist())


def _cell(value: object) -> object:
    simple = plain(value)
    return json.dumps(simple, ensure_ascii=False) if isinstance(simple, list | dict) else simple
