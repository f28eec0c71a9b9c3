"""Torch modules behind the deep encoders: a backbone of transformers, a pooling, a projection.

Importing this needs the extra ``learn``; the rest of :mod:`periplus.encode` does not import it until it is used.
"""

from __future__ import annotations

from periplus.errors import MissingExtraError

try:
    from periplus.encode.models.architectures import ARCHITECTURES, FAMILIES, Family
    from periplus.encode.models.backbone import load_backbone, random_backbone, weight_files
    from periplus.encode.models.checkpoint import (
        CARD_FILE,
        build_embedder,
        load_embedder,
        replacing_folder,
        save_embedder,
    )
    from periplus.encode.models.embedder import Embedder
    from periplus.encode.models.pooling import POOLINGS, GeM
except ModuleNotFoundError as error:
    if str(error.name).partition(".")[0] not in ("torch", "transformers", "safetensors"):
        raise
    raise MissingExtraError("A deep encoder", "learn") from error

__all__ = [
    "ARCHITECTURES",
    "CARD_FILE",
    "FAMILIES",
    "POOLINGS",
    "Embedder",
    "Family",
    "GeM",
    "build_embedder",
    "load_backbone",
    "load_embedder",
    "random_backbone",
    "replacing_folder",
    "save_embedder",
    "weight_files",
]
