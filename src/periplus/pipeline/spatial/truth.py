"""The true semivariograms of a made world, as its JSON file tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from periplus.errors import GalleryError, UsageError
from periplus.spatial import VariogramModel
from periplus.store import read_json

_PREFIX = "field_"


def true_models(path: Path, variables: Sequence[str]) -> Mapping[str, VariogramModel]:
    """The models that some variables were drawn from, by variable; those that the file does not know are missing.

    Args:
        path: ``planet.json`` or ``fields.json`` of ``periplus synth``.
        variables: columns, with or without ``field_`` before them, or names of files of vectors.

    Raises:
        UsageError: the file is not one of these, or knows none of the variables.
    """
    models: dict[str, VariogramModel] = {}
    for number, one in enumerate(_fields(path)):
        try:
            models |= _named(one)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise UsageError(f"{path}: field {number} is damaged ({error}). Make the world again.") from error
    found = {name: models[name.removeprefix(_PREFIX)] for name in variables if name.removeprefix(_PREFIX) in models}
    if not found:
        known = ", ".join(models) or "no field"
        raise UsageError(f"{path} knows {known}, but none of {', '.join(variables) or 'what is looked at'}.")
    return found


def _fields(path: Path) -> list[Any]:
    try:
        told = read_json(path)
    except GalleryError as error:
        raise UsageError(f"--truth {path} cannot be read: it is missing, or no JSON.") from error
    fields = told.get("fields") if isinstance(told, dict) else None
    if not isinstance(fields, list):
        raise UsageError(f"{path} tells no fields: --truth takes the planet.json or fields.json of periplus synth.")
    return fields


def _named(one: dict[str, Any]) -> dict[str, VariogramModel]:
    """A field's model by its name and its columns; by its file of vectors, that of half their squared distance."""
    model = _model(one)
    named = dict.fromkeys([str(one["name"]), *map(str, one.get("columns") or ())], model)
    if one.get("vectors"):
        sill, nugget = float(one["vector_sill"]), float(one["vector_nugget"])
        named[str(one["vectors"])] = replace(model, partial_sill=sill, nugget=nugget)
    return named


def _model(one: dict[str, Any]) -> VariogramModel:
    return VariogramModel(
        family=cast("Any", one["family"]),
        nugget=float(one["nugget"]),
        partial_sill=float(one["sill"]),
        length_scale_km=float(one["length_scale_km"]),
        shape=1.5 if one["family"] == "matern" else 1.0,
        metric="chord",
    )
