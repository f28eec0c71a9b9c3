"""Unit vectors of photos, and which encoder made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import FingerprintError, RecordError


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors, one row a photo.

    Attributes:
        vectors: float32 or float16 (n, d), rows of length 1 (or 0 for a photo without features).
        ids: the photos, in row order.
        fingerprint: of the encoder: architecture, weights' hash and preprocessing.

    Raises:
        RecordError: shapes disagree, or a row has another length than 0 or 1.
    """

    vectors: NDArray[np.float32] | NDArray[np.float16]
    ids: tuple[str, ...]
    fingerprint: str

    def __post_init__(self) -> None:
        """Check shapes and lengths."""
        if self.vectors.ndim != 2 or self.vectors.shape[0] != len(self.ids):
            raise RecordError(f"Vectors of shape {self.vectors.shape} do not fit {len(self.ids)} ids.")
        if self.vectors.dtype not in (np.float32, np.float16):
            raise RecordError(f"Vectors are float32 or float16, not {self.vectors.dtype}.")
        norms = np.linalg.norm(self.vectors.astype(np.float32), axis=1)
        off = (np.abs(norms - 1) > 5e-3) & (norms > 1e-6)
        if off.any() or not np.isfinite(norms).all():
            row = int(np.flatnonzero(off | ~np.isfinite(norms))[0])
            raise RecordError(
                f"Row {row} ({self.ids[row]!r}) has length {norms[row]:.4f}; vectors must be unit length."
            )


def require_same_fingerprint(query: str, gallery: str) -> None:
    """Refuse to compare vectors of different encoders.

    Raises:
        FingerprintError: the two differ.
    """
    if query != gallery:
        raise FingerprintError(
            f"The query was encoded by {query!r} but the gallery by {gallery!r}. "
            "Encode the query with the gallery's encoder, or index the gallery again."
        )
