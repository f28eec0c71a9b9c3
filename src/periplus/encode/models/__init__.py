"""Torch modules behind the deep encoders: a backbone of transformers, a pooling, a projection; and location encoders.

Importing this needs the extra ``learn``; the rest of :mod:`periplus.encode` does not import it until it is used.
"""

from __future__ import annotations

from periplus.errors import MissingExtraError

try:
    from periplus.encode.models.architectures import ARCHITECTURES, FAMILIES, Family
    from periplus.encode.models.backbone import (
        load_backbone,
        load_strictly,
        quiet,
        random_backbone,
        torch_device,
        weight_files,
        whole_config,
    )
    from periplus.encode.models.checkpoint import (
        CARD_FILE,
        build_embedder,
        load_embedder,
        replacing_folder,
        save_embedder,
    )
    from periplus.encode.models.embedder import Embedder
    from periplus.encode.models.geo_checkpoint import save_geo_model
    from periplus.encode.models.int8 import Int8Linear, quantise_linear
    from periplus.encode.models.location import LocationNetwork, build_location_network
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
    "Int8Linear",
    "LocationNetwork",
    "build_embedder",
    "build_location_network",
    "load_backbone",
    "load_embedder",
    "load_strictly",
    "quantise_linear",
    "quiet",
    "random_backbone",
    "replacing_folder",
    "save_embedder",
    "save_geo_model",
    "torch_device",
    "weight_files",
    "whole_config",
]
