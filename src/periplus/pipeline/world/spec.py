"""What a world-wide gallery says of itself: what its rows are, and which models made them and make its queries.

Its rows are photos, bare positions or texts about places; all have one vector each and no local features. A query is
a picture in the same space, so nothing after the scores needs to know which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from periplus.encode import (
    GeoModel,
    ModelSpec,
    PictureEncoder,
    TextEncoder,
    device_here,
    load_picture_encoder,
    open_geo_model,
    open_picture_encoder,
    open_text_encoder,
)
from periplus.errors import CannotRunError, FingerprintError, GalleryError, UsageError
from periplus.gallery import Gallery
from periplus.store import fingerprint

WORLD = "world"
"""The name of every encoder of a world-wide gallery."""

RowKind = Literal["photos", "positions", "texts"]
PHOTO_SCALE = 20.0
"""Of the softmax over photos until they are calibrated: a cosine higher by 0.05 is e times as probable."""

_KEYS = {"name", "rows", "geo_model", "query", "scale", "fingerprint", "dim"}
_LARGEST_SCALE = 1000.0
_opened: dict[str, PictureEncoder] = {}
_MOST_OPENED = 3


@dataclass(frozen=True)
class WorldSpec:
    """Which models a world-wide gallery belongs to.

    Attributes:
        rows: what a row is.
        geo_model: the name or folder of the geo model that makes rows or queries; None where ``query`` does.
        query: specification of the picture encoder of queries; None where a geo model has it.
        scale: of cosines, before the softmax and its calibrated temperature.
        fingerprint: of everything that makes vectors.
        dim: their length.
    """

    rows: RowKind
    geo_model: str | None
    query: Mapping[str, object] | None
    scale: float
    fingerprint: str
    dim: int

    def to_encoder(self) -> dict[str, object]:
        """As a gallery's manifest keeps it, JSON."""
        return {"name": WORLD, **{key: getattr(self, key) for key in sorted(_KEYS - {"name"})}}


def spec_of(gallery: Gallery) -> WorldSpec:
    """Read :meth:`WorldSpec.to_encoder` back.

    Raises:
        GalleryError: it is not what this version writes.
    """
    told = gallery.encoder
    right = set(told) == _KEYS and told["name"] == WORLD and told["rows"] in get_args(RowKind)
    right = right and isinstance(told["geo_model"], str | None) and isinstance(told["query"], dict | None)
    right = right and (told["geo_model"] is None) != (told["query"] is None)
    # Positions are encoded by a geo model alone, texts by none.
    right = right and told["rows"] != ("texts" if told["query"] is None else "positions")
    scale = told.get("scale")
    right = right and isinstance(scale, int | float) and not isinstance(scale, bool) and 0 < scale <= _LARGEST_SCALE
    if not right or told["fingerprint"] != gallery.fingerprint or told["dim"] != gallery.dim:
        raise GalleryError(
            f"{gallery.path} was made by a version of Periplus that this one cannot follow. Index again."
        )
    return WorldSpec(
        cast("RowKind", told["rows"]),
        cast("str | None", told["geo_model"]),
        cast("Mapping[str, object] | None", told["query"]),
        float(cast("float", scale)),
        gallery.fingerprint,
        gallery.dim,
    )


def positions_spec(model: GeoModel) -> WorldSpec:
    """Of a gallery of bare positions: the picture tower need not be on this machine to make it."""
    return WorldSpec("positions", model.name, None, model.logit_scale, f"world-{model.fingerprint}", model.location.dim)


def geo_photos_spec(model: GeoModel) -> WorldSpec:
    """Of a gallery of photos that a geo model's picture tower has seen."""
    print_ = f"world-photos-{model.fingerprint}"
    return WorldSpec("photos", model.name, None, PHOTO_SCALE, print_, model.location.dim)


def photos_spec(model: ModelSpec) -> WorldSpec:
    """Of a gallery of photos that any picture encoder has seen.

    Raises:
        CannotRunError: the model is not on this machine.
    """
    encoder = open_picture_encoder(model)
    print_ = f"world-photos-{encoder.fingerprint}"
    return WorldSpec("photos", None, encoder.spec(), PHOTO_SCALE, print_, encoder.dim)


def texts_spec(model: ModelSpec) -> WorldSpec:
    """Of a gallery of texts about places.

    Raises:
        CannotRunError: the model is not on this machine.
        FingerprintError: its texts and its pictures have vectors of different lengths.
    """
    texts, pictures = open_text_encoder(model), open_picture_encoder(model)
    if texts.dim != pictures.dim:
        raise FingerprintError(
            f"{model.name} gives {texts.dim} numbers for a text and {pictures.dim} for a picture: they do not meet."
        )
    print_ = _texts_print(texts, pictures.fingerprint)
    return WorldSpec("texts", None, pictures.spec(), texts.logit_scale, print_, pictures.dim)


def require_texts(spec: WorldSpec, texts: TextEncoder) -> None:
    """Refuse another text encoder than that of a gallery's texts.

    Raises:
        FingerprintError: it is another.
    """
    if _texts_print(texts, str((spec.query or {}).get("fingerprint"))) != spec.fingerprint:
        raise FingerprintError(
            f"The texts of the gallery were encoded by another model than {texts.fingerprint}. Bring the weights that "
            "were used back, or index again."
        )


def _texts_print(texts: TextEncoder, pictures: str) -> str:
    return f"world-texts-{fingerprint([texts.fingerprint, pictures])}"


def geo_model_of(spec: WorldSpec) -> GeoModel:
    """The geo model of a gallery, which must be the one that made it.

    Raises:
        FingerprintError: it is another.
        CannotRunError: it is not on this machine.
    """
    try:
        model = open_geo_model(str(spec.geo_model))
    except UsageError as error:
        raise CannotRunError(
            f"The gallery was made with the geo model {spec.geo_model}, which is not there any more. Bring it back."
        ) from error
    if not spec.fingerprint.endswith(model.fingerprint):
        raise FingerprintError(
            f"{spec.geo_model} has the fingerprint {model.fingerprint}, but the gallery was made by "
            f"{spec.fingerprint}. Bring the weights that were used back, or index again."
        )
    return model


def query_encoder(spec: WorldSpec) -> PictureEncoder:
    """The picture encoder of a gallery's queries, loaded once a process; on the GPU where there is one.

    Raises:
        CannotRunError: the model, or the extra that runs it, is not on this machine.
        FingerprintError: the model has changed since the gallery was made.
    """
    key = query_encoder_key(spec)
    if key not in _opened:
        encoder = _load_query_encoder(spec)
        if encoder.dim != spec.dim:
            raise FingerprintError(
                f"{encoder.spec()['model']} gives pictures {encoder.dim} numbers, but the rows of the gallery have "
                f"{spec.dim}: they cannot meet. Take another model, and index again."
            )
        if len(_opened) >= _MOST_OPENED:
            _opened.pop(next(iter(_opened)))
        _opened[key] = encoder
    return _opened[key]


def query_encoder_key(spec: WorldSpec) -> str:
    """Names the picture encoder of a gallery's queries: galleries of one model share it, and its queries' vectors."""
    told = spec.query if spec.query is not None else [spec.geo_model, spec.fingerprint.rpartition("-")[2]]
    return json.dumps([told, spec.dim], sort_keys=True)


def _load_query_encoder(spec: WorldSpec) -> PictureEncoder:
    if spec.query is not None:
        return load_picture_encoder(spec.query, device=device_here(_engine(spec.query)))
    picture = geo_model_of(spec).picture
    try:
        return open_picture_encoder(replace(picture, device=device_here(picture.engine)))
    except CannotRunError as error:
        if spec.geo_model != "geoclip":
            raise
        raise CannotRunError(
            f"GeoCLIP looks at photos with CLIP ViT-L/14, which cannot be opened: {error} With FOLDER here: periplus "
            "models --geoclip FOLDER -o geoclip, and index again with --encoder ./geoclip."
        ) from error


def _engine(query: Mapping[str, object]) -> str:
    model = query.get("model")
    return str(model.get("engine", "torch")) if isinstance(model, Mapping) else "torch"
