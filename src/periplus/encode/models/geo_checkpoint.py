"""Geo models on disk: both towers in one folder."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode.geo_files import GEO_FILE, LOCATION_FILE, PICTURE_FOLDER, GeoCard, write_geo_card
from periplus.encode.models.checkpoint import replacing_folder, save_embedder
from periplus.encode.models.embedder import Embedder
from periplus.encode.models.location import LocationNetwork
from periplus.encode.picture_encoder import ModelSpec
from periplus.encode.preprocess import Preprocess
from periplus.encode.weights import save_arrays
from periplus.errors import UsageError


def save_geo_model(
    folder: Path,
    embedder: Embedder,
    preprocess: Preprocess,
    location: LocationNetwork,
    logit_scale: float,
    card: Mapping[str, object],
    *,
    half: bool = False,
) -> None:
    """Write a geo model, whole or not at all; one that stood at ``folder`` is replaced.

    Args:
        folder: to write.
        embedder: the picture tower, projection and all.
        preprocess: of its pictures.
        location: the location tower.
        logit_scale: what cosines are multiplied by (not its logarithm).
        card: any JSON: architecture, data, licence, metrics.
        half: keep weights as float16, in half of the bytes; frequencies stay float32, for they are phases.

    Raises:
        UsageError: the towers give vectors of different lengths.
        CannotRunError: the system refused to write, or ``folder`` holds something else than a geo model.
    """
    if embedder.dim != location.dim:
        raise UsageError(f"Pictures have {embedder.dim} numbers and positions {location.dim}: they cannot meet.")
    with replacing_folder(folder, GEO_FILE) as fresh:
        picture = copy.deepcopy(embedder).half() if half else embedder
        save_embedder(picture, preprocess, fresh / PICTURE_FOLDER, {})
        save_arrays(location_arrays(location, half=half), fresh / LOCATION_FILE)
        write_geo_card(fresh, GeoCard(location.config, float(logit_scale), ModelSpec(PICTURE_FOLDER), card))


def location_arrays(location: LocationNetwork, *, half: bool = False) -> dict[str, NDArray[np.floating]]:
    """The arrays of a location network as :class:`LocationConfig` names them; ``half`` as in :func:`save_geo_model`."""
    arrays = {name: tensor.detach().cpu().float().numpy() for name, tensor in location.state_dict().items()}
    return {k: v.astype(np.float16) if half and not k.endswith("frequencies") else v for k, v in arrays.items()}
