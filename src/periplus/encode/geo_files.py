"""The names and the JSON of a geo model's folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from periplus.encode.known import KNOWN
from periplus.encode.location_config import LocationConfig
from periplus.encode.picture_encoder import ModelSpec, model_spec_from
from periplus.errors import CannotRunError, GalleryError, UsageError
from periplus.store import read_json, write_json_atomic

GEO_FILE = "geo.json"
LOCATION_FILE = "location.safetensors"
HEAD_FILE = "head.safetensors"
PICTURE_FOLDER = "picture"
LARGEST_LOGIT_SCALE = 100.0
"""As in CLIP; a larger one is taken for this."""

_IMPOSSIBLE_SCALE = 1e9

_FORMAT = 1
_KEYS = {"format", "location", "logit_scale", "picture", "card"}


@dataclass(frozen=True)
class GeoCard:
    """What ``geo.json`` says.

    Attributes:
        location: kind and shape of the location encoder.
        logit_scale: what a cosine is multiplied by before the softmax.
        picture: the picture encoder; names of files that lie in the folder are relative to it.
        card: any JSON: where the model comes from, its licence, what it was trained on.

    Raises:
        UsageError: the scale is no number above 0.
    """

    location: LocationConfig
    logit_scale: float
    picture: ModelSpec
    card: Mapping[str, object]

    def __post_init__(self) -> None:
        """Check the scale."""
        if not 0 < self.logit_scale < math.inf:
            raise UsageError(f"A logit scale is a number above 0, not {self.logit_scale}.")


def write_geo_card(folder: Path, card: GeoCard) -> None:
    """Write ``geo.json``; values of the picture encoder that are the default are left out."""
    plain = asdict(ModelSpec(card.picture.name))
    picture = {key: value for key, value in asdict(card.picture).items() if key == "name" or value != plain[key]}
    value = {
        "format": _FORMAT,
        "location": card.location.spec(),
        "logit_scale": card.logit_scale,
        "picture": {key: list(value) if isinstance(value, tuple) else value for key, value in picture.items()},
        "card": dict(card.card),
    }
    write_json_atomic(folder / GEO_FILE, value)


def read_geo_card(folder: Path) -> GeoCard:
    """Back from :func:`write_geo_card`, with the files of the folder named from the root.

    Raises:
        CannotRunError: the folder holds no geo model, or one that this version does not read.
    """
    path = folder / GEO_FILE
    try:
        value = read_json(path)
    except GalleryError as error:
        raise CannotRunError(f"{folder} holds no geo model: its {GEO_FILE} cannot be read. Name another.") from error
    if value.get("format") != _FORMAT or set(value) != _KEYS:
        raise CannotRunError(f"{path} is of another version than this Periplus reads ({_FORMAT}). Make it again.")
    location, scale, picture, card = (value[key] for key in ("location", "logit_scale", "picture", "card"))
    right = isinstance(location, dict) and isinstance(picture, dict) and isinstance(card, dict)
    if not right or isinstance(scale, bool) or not isinstance(scale, int | float) or not scale < _IMPOSSIBLE_SCALE:
        raise CannotRunError(f"{path} is damaged: location, picture and card are objects, logit_scale a number.")
    try:
        assert isinstance(location, dict) and isinstance(picture, dict) and isinstance(card, dict)  # noqa: PT018
        model = model_spec_from({key: _rooted(key, told, folder) for key, told in picture.items()})
        config = LocationConfig.from_spec(location)
        return GeoCard(config, float(scale), model, card)
    except UsageError as error:
        raise CannotRunError(f"{path} describes no model: {error}") from error


def _rooted(key: str, value: object, folder: Path) -> object:
    """A file of the folder by its whole path; anything else as it is."""
    if not isinstance(value, str) or "\0" in value:
        return value
    inside = key in ("head", "whitening") or (key == "name" and value not in KNOWN and (folder / value).is_dir())
    return str((folder / value).resolve()) if inside else value
