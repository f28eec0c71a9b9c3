"""GeoCLIP's released weights: where they lie, and what they are called there.

Vivanco Cepeda, Nayak, Shah: GeoCLIP, NeurIPS 2023, arXiv 2309.16020; the package and its weights are under MIT. They
lie in the installed package ``geoclip``, which is found and never imported: it asks for torchvision and pandas.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode.extras import has_package
from periplus.encode.head import Head, load_head
from periplus.encode.location import NumpyLocationEncoder
from periplus.encode.location_config import LocationConfig, frequencies, weight_and_bias
from periplus.encode.weights import load_arrays, require_names
from periplus.errors import CannotRunError, GalleryError
from periplus.store import read_json

PICTURE = "clip-vit-l-14"
"""The known model that GeoCLIP's picture tower is built on."""

_HUB = "VicenteVivanco/geoclip-geolocation"
_LOCATION, _HEAD, _SCALE = "location_encoder_weights.pth", "image_encoder_mlp_weights.pth", "logit_scale_weights.pth"
_PARTS = ("", "weights", "model/weights", "geoclip/model/weights")
_RELEASE, _RELEASE_TYPE = "model.safetensors", "geoclip-geolocation"
_LOCATION_PREFIX = "location_encoder."
_LAYERS = ("capsule.1", "capsule.3", "capsule.5", "head.0")


@dataclass(frozen=True)
class GeoClip:
    """GeoCLIP as released.

    Attributes:
        location: the location encoder.
        head: the MLP after CLIP.
        head_file: where it lies.
        log_scale: the natural logarithm of what cosines are multiplied by.
        card: source, licence and training of the weights.
    """

    location: NumpyLocationEncoder
    head: Head
    head_file: Path
    log_scale: float
    card: Mapping[str, object]


def find_geoclip() -> Path:
    """The folder of GeoCLIP's weights on this machine: of the installed package, else of the hub's release.

    Raises:
        CannotRunError: neither is here, nor can the release be fetched.
    """
    spec = importlib.util.find_spec("geoclip")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if holds_geoclip(Path(place)):
            return Path(place)
    return _from_hub()


def holds_geoclip(folder: Path) -> bool:
    """Whether a folder has GeoCLIP's weights, in the package's layout or the hub's."""
    return _weights_folder(folder) is not None or _is_release(folder)


def read_geoclip(folder: Path) -> GeoClip:
    """GeoCLIP from a folder of its weights: all of them, and nothing else.

    Raises:
        CannotRunError: a file is missing or damaged, an array missing, too much or misshaped.
        MissingExtraError: what reads the files is not installed.
    """
    weights = _weights_folder(folder)
    if weights is not None:
        head_file, location = weights / _HEAD, load_arrays(weights / _LOCATION)
        scale = load_arrays(weights / _SCALE)
    elif _is_release(folder):
        head_file = folder / _RELEASE
        whole = load_arrays(head_file)
        prefix = _LOCATION_PREFIX
        location = {name.removeprefix(prefix): a for name, a in whole.items() if name.startswith(prefix)}
        scale = {"": whole["logit_scale"]} if "logit_scale" in whole else {}
    else:
        raise CannotRunError(f"{folder} holds no weights of GeoCLIP: {_LOCATION}, {_HEAD} and {_SCALE} are wanted.")
    try:
        arrays, config = _renamed(location)
        encoder = NumpyLocationEncoder(config, arrays)
    except CannotRunError as error:
        raise CannotRunError(f"{folder} holds no location encoder of GeoCLIP: {error}") from error
    head = load_head(head_file)
    if head.dim != encoder.dim:
        raise CannotRunError(f"{head_file} gives {head.dim} numbers, but positions have {encoder.dim}.")
    if set(scale) != {""} or scale[""].size != 1 or not math.isfinite(float(scale[""].ravel()[0])):
        raise CannotRunError(f"The logit scale of GeoCLIP in {folder} is no single number. Install geoclip again.")
    return GeoClip(encoder, head, head_file, float(scale[""].ravel()[0]), _card(folder))


def _weights_folder(folder: Path) -> Path | None:
    places = (folder / part for part in _PARTS)
    return next((place for place in places if (place / _LOCATION).is_file()), None)


def _is_release(folder: Path) -> bool:
    if not (folder / _RELEASE).is_file():
        return False
    try:
        return read_json(folder / "config.json").get("model_type") == _RELEASE_TYPE
    except GalleryError:
        return False


def _renamed(arrays: Mapping[str, NDArray[np.floating]]) -> tuple[dict[str, NDArray[np.floating]], LocationConfig]:
    """The arrays by the names of :class:`LocationConfig`, and the shape that they have."""
    found = {int(match[1]) for name in arrays if (match := re.match(r"LocEnc(\d{1,3})\.", name))}
    config = LocationConfig(sigmas=tuple(_sigma(arrays.get(f"LocEnc{i}.capsule.0.b")) for i in sorted(found)) or (1.0,))
    names = {}
    for i in range(config.capsules):
        names[f"LocEnc{i}.capsule.0.b"] = frequencies(i)
        for layer, told in enumerate(_LAYERS):
            weight, bias = weight_and_bias(i, layer)
            names |= {f"LocEnc{i}.{told}.weight": weight, f"LocEnc{i}.{told}.bias": bias}
    require_names(arrays, names)
    return {ours: arrays[theirs] for theirs, ours in names.items()}, config


def _sigma(turns: NDArray[np.floating] | None) -> float:
    """The power of two that the frequencies were drawn with; it is told, not used."""
    spread = 1.0 if turns is None or not turns.size else float(np.sqrt(np.mean(np.square(turns, dtype=np.float64))))
    return float(2.0 ** round(math.log2(spread))) if 2**-19 < spread < 2**19 else 1.0


def _card(folder: Path) -> dict[str, object]:
    try:
        version = importlib.metadata.version("geoclip") if folder.name == "geoclip" else ""
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return {
        "model": "GeoCLIP" + (f" {version}" if version else ""),
        "licence": "MIT",
        "paper": "arXiv 2309.16020",
        "data": "MP-16: 4.7 million geotagged photos of Flickr",
    }


def _from_hub() -> Path:
    advice = (
        "Install the package without what it asks for: pip install --no-deps geoclip. Or bring a folder with "
        f"{_LOCATION}, {_HEAD} and {_SCALE} here, and name it."
    )
    if not has_package("huggingface_hub"):
        raise CannotRunError(f"GeoCLIP's weights are not on this machine. {advice}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(_HUB, allow_patterns=["config.json", _RELEASE]))
    except (OSError, HfHubHTTPError) as error:
        reason = str(error).splitlines()[0]
        raise CannotRunError(f"GeoCLIP is not on this machine and cannot be fetched ({reason}). {advice}") from error
