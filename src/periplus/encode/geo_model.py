"""Geo models: a picture tower and a location tower whose vectors meet."""

from __future__ import annotations

import difflib
import importlib.resources
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from periplus.encode.geo_files import (
    GEO_FILE,
    HEAD_FILE,
    LARGEST_LOGIT_SCALE,
    LOCATION_FILE,
    GeoCard,
    read_geo_card,
    write_geo_card,
)
from periplus.encode.geoclip import PICTURE, GeoClip, find_geoclip, holds_geoclip, read_geoclip
from periplus.encode.head import load_head
from periplus.encode.known import FILES, KNOWN
from periplus.encode.location import LocationEncoder, load_location_encoder
from periplus.encode.picture_encoder import ModelSpec
from periplus.encode.weights import save_arrays
from periplus.errors import CannotRunError, UsageError
from periplus.store import content_hash, fingerprint

__all__ = ["GEO_FILE", "GEO_MODELS", "GeoModel", "convert_geoclip", "open_geo_model"]

GEO_MODELS: Mapping[str, str] = {
    "geoclip": "photographs of anywhere: CLIP ViT-L/14 and GeoCLIP's released weights (MIT)",
    "planet": "a toy for the photos of `periplus synth planet` only; shipped, and never for real photographs",
}
"""Geo models that are known by name, and what they are for."""

_MOVING = (*FILES, "periplus.json", "preprocess.json", "*.onnx", "*.onnx.data", "whitening.npy")
_WITHOUT_EFFECT = ("device", "name", "revision", "head", "whitening", "engine")


@dataclass(frozen=True)
class GeoModel:
    """A picture tower and a location tower.

    The score of a position for a picture is ``logit_scale`` times the cosine of their vectors; its softmax over
    positions is what the model was trained to give.

    Attributes:
        name: how it was asked for: a key of :data:`GEO_MODELS`, or its folder.
        picture: the picture encoder, not opened: it may not be on this machine.
        location: the location encoder.
        logit_scale: at most 100; a larger one was taken for that, and the card has a note.
        card: any JSON: where the model comes from, its licence, what it was trained on.
        fingerprint: of the location encoder, the scale and the files of the picture tower; where that is a model of
            the hub, of its name and revision.
    """

    name: str
    picture: ModelSpec
    location: LocationEncoder
    logit_scale: float
    card: Mapping[str, object]
    fingerprint: str


def open_geo_model(name: str) -> GeoModel:
    """A geo model: a key of :data:`GEO_MODELS`, a folder with ``geo.json``, or one with GeoCLIP's weights.

    Raises:
        UsageError: there is none of that name.
        CannotRunError: its files are missing or damaged; the message says what to do.
        MissingExtraError: what reads them is not installed.
    """
    if name == "geoclip":
        return _of_geoclip(name, read_geoclip(find_geoclip()))
    folder = _planet() if name == "planet" else Path(name)
    if name != "planet" and (folder / GEO_FILE).is_file():
        name = str(folder.resolve())
    elif name != "planet" and holds_geoclip(folder):
        return _of_geoclip(str(folder.resolve()), read_geoclip(folder))
    elif not folder.is_dir():
        nearest = difflib.get_close_matches(name, GEO_MODELS, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(GEO_MODELS)}, or a folder."
        raise UsageError(f"No geo model {name!r}: {hint}")
    card = read_geo_card(folder)
    return _finished(name, card, load_location_encoder(folder / LOCATION_FILE, card.location))


def convert_geoclip(source: str | Path | None, folder: Path, picture: str = PICTURE) -> GeoModel:
    """Write GeoCLIP as a folder of our own, which needs neither the package nor ``.pth`` files.

    Args:
        source: a folder of GeoCLIP's weights; None for the installed package, or the hub.
        folder: to write; a geo model that stood there is replaced.
        picture: the CLIP whose picture tower it is: a known or hub name, or a local folder.

    Returns:
        The model in the folder.

    Raises:
        CannotRunError: the weights are not here or not whole, or the system refused to write.
        MissingExtraError: torch is not installed.
    """
    geoclip = read_geoclip(find_geoclip() if source is None else Path(source))
    from periplus.encode.models import replacing_folder

    place = str(Path(picture).resolve()) if picture not in KNOWN and Path(picture).is_dir() else picture
    card = GeoCard(geoclip.location.config, math.exp(geoclip.log_scale), ModelSpec(place, head=HEAD_FILE), geoclip.card)
    with replacing_folder(folder, GEO_FILE) as fresh:
        save_arrays(geoclip.location.arrays(), fresh / LOCATION_FILE)
        save_arrays(geoclip.head.arrays(), fresh / HEAD_FILE)
        write_geo_card(fresh, card)
    return open_geo_model(str(folder))


def _planet() -> Path:
    folder = Path(str(importlib.resources.files("periplus.encode"))) / "planet"
    if not (folder / GEO_FILE).is_file():
        raise CannotRunError(
            f"This installation has no planet model: {folder / GEO_FILE} is missing. Install periplus again, or train "
            "one on `periplus synth planet` and name its folder."
        )
    return folder


def _of_geoclip(name: str, geoclip: GeoClip) -> GeoModel:
    picture = ModelSpec(PICTURE, head=str(geoclip.head_file.resolve()))
    card = GeoCard(geoclip.location.config, math.exp(geoclip.log_scale), picture, geoclip.card)
    return _finished(name, card, geoclip.location)


def _finished(name: str, card: GeoCard, location: LocationEncoder) -> GeoModel:
    if card.picture.head is not None and (head := load_head(Path(card.picture.head))).dim != location.dim:
        raise CannotRunError(
            f"In {name} pictures have {head.dim} numbers and positions {location.dim}: they cannot meet."
        )
    scale, told = card.logit_scale, dict(card.card)
    if scale > LARGEST_LOGIT_SCALE:
        told["note"] = f"The logit scale {scale:g} is taken for {LARGEST_LOGIT_SCALE:g}, the most that CLIP allows."
        scale = LARGEST_LOGIT_SCALE
    whole = fingerprint([location.fingerprint, scale, _describe(card.picture)])
    return GeoModel(name, card.picture, location, scale, told, f"geo-{whole}")


def _describe(picture: ModelSpec) -> dict[str, object]:
    """What moves the picture tower's vectors, without opening it."""
    folder = Path(picture.name)
    if picture.name not in KNOWN and folder.is_dir():
        kept = sorted({path for pattern in _MOVING for path in folder.glob(pattern) if path.is_file()})
        model: object = [[path.name, content_hash(path)] for path in kept]
    else:
        model = [KNOWN[picture.name].hub if picture.name in KNOWN else picture.name, picture.revision]
    options = {key: value for key, value in asdict(picture).items() if key not in _WITHOUT_EFFECT}
    return {
        "model": model,
        "options": {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()},
        "head": None if picture.head is None else load_head(Path(picture.head)).fingerprint,
        "whitening": None if picture.whitening is None else content_hash(Path(picture.whitening)),
    }
