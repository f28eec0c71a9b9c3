"""How large an input may be before it is refused unopened."""

from __future__ import annotations

from dataclasses import dataclass

MiB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds that hold for every file from outside.

    Attributes:
        max_bytes: of a photo's file.
        max_pixels: of a photo's full picture, as its header says; nothing is decoded above it.
        max_sidecar_bytes: of an XMP sidecar or an embedded XMP packet.
        max_table_bytes: of a CSV or Parquet table.
        max_table_rows: of a table.
    """

    max_bytes: int = 256 * MiB
    max_pixels: int = 200_000_000
    max_sidecar_bytes: int = MiB
    max_table_bytes: int = 2048 * MiB
    max_table_rows: int = 50_000_000


DEFAULT_LIMITS = Limits()
