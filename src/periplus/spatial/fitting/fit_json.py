"""Fits on disk: one JSON object, versioned, read strictly."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, cast, get_args

from periplus.errors import GalleryError, UsageError
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.fitting.least import NAMES, WEIGHTS
from periplus.spatial.fitting.models import CONVENTION, LARGEST, Family, Metric, VariogramModel, family_row
from periplus.store import read_json, write_json_atomic

FORMAT: Final = "periplus-semivariogram-fit"
VERSION: Final = 1
_MAX_BYTES: Final = 1 << 20
_FITTED: Final = ("nugget", "partial_sill", "length_scale_km", "shape")
_DERIVED: Final = ("sill", "effective_range_km")
_MODEL: Final = ("family", *_FITTED, *_DERIVED, "metric")
_KEYS: Final = (
    "format", "version", "convention", "model", "weights", "max_km", "n_lags", "aic", "rmse", "intervals", "confidence",
    "at_bounds", "label", "shape_fitted",
)  # fmt: skip


def write_fit(path: Path, fit: Fit) -> None:
    """Write a fit as JSON, whole or not at all.

    The object holds ``format``, ``version`` (1), ``convention`` (what length scale and effective range mean, in words),
    ``model`` (family, nugget, partial_sill, sill, length_scale_km, effective_range_km, shape, metric), and the other
    fields of :class:`~periplus.spatial.fitting.fit.Fit`; ``intervals`` is null or has [low, high] by name.

    Raises:
        CannotRunError: the system refused to write.
    """
    model = {name: getattr(fit.model, name) for name in _MODEL}
    intervals = None if fit.intervals is None else {name: list(ends) for name, ends in fit.intervals.items()}
    rest = {name: getattr(fit, name) for name in _KEYS[4:] if name not in ("intervals", "at_bounds")}
    head = {"format": FORMAT, "version": VERSION, "convention": CONVENTION, "model": model, "intervals": intervals}
    write_json_atomic(path, head | rest | {"at_bounds": list(fit.at_bounds)})


def read_fit(path: Path) -> Fit:
    """The fit in a file of :func:`write_fit`.

    Raises:
        UsageError: the file is missing, no JSON object, larger than a MiB, of another format or version; a key is
            missing or unknown (the nearest is named); a value has the wrong type, is not finite or out of its range;
            sill or effective range contradict the parameters.
    """
    try:
        document = read_json(path, _MAX_BYTES)
    except GalleryError as error:
        raise UsageError(f"{path} cannot be read as a fit of a semivariogram. Fit again, or name another.") from error
    if (document.get("format"), document.get("version")) != (FORMAT, VERSION) or document["version"] is True:
        raise UsageError(f"{path} is no fit that this Periplus reads ({FORMAT}, version {VERSION}). Fit again.")
    try:
        return _fit(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _fit(document: Mapping[str, object]) -> Fit:
    _keys(document, _KEYS, "fit")
    _text(document, "convention")
    counts = document["n_lags"]
    if type(counts) is not int or not 0 < counts < 1 << 31:
        raise UsageError(f"n_lags is a positive whole number, not {counts!r:.60}.")
    if type(document["shape_fitted"]) is not bool:
        raise UsageError(f"shape_fitted is true or false, not {document['shape_fitted']!r}.")
    confidence = _number(document, "confidence", 0)
    if not 0 < confidence < 1:
        raise UsageError(f"confidence lies between 0 and 1, not at {confidence}.")
    at_bounds = document["at_bounds"]
    if not isinstance(at_bounds, list) or not all(isinstance(name, str) and name in NAMES for name in at_bounds):
        raise UsageError(f"at_bounds lists some of {', '.join(NAMES)}, not {at_bounds!r:.60}.")
    return Fit(
        model=_model(document["model"]),
        weights=_choice(document, "weights", WEIGHTS),
        max_km=_number(document, "max_km", 0),
        n_lags=counts,
        aic=_number(document, "aic", -math.inf),
        rmse=_number(document, "rmse", 0),
        intervals=_intervals(document["intervals"]),
        confidence=confidence,
        at_bounds=tuple(at_bounds),
        label=_text(document, "label"),
        shape_fitted=document["shape_fitted"],
    )


def _model(value: object) -> VariogramModel:
    if not isinstance(value, dict):
        raise UsageError(f"model is a JSON object, not {value!r:.60}.")
    _keys(value, _MODEL, "model")
    family = _text(value, "family")
    row = family_row(family)
    numbers = {name: _number(value, name, 0) for name in (*_FITTED, *_DERIVED)}
    metric = _choice(value, "metric", get_args(Metric))
    if row.shapes is None and numbers["shape"] != 1:
        raise UsageError(f"A {family} semivariogram has no shape; its file says 1, not {numbers['shape']}.")
    nugget, partial, length, shape = (numbers[name] for name in _FITTED)
    model = VariogramModel(cast(Family, family), nugget, partial, length, shape, metric)
    for name in _DERIVED:
        if not math.isclose(getattr(model, name), numbers[name], rel_tol=1e-6):
            raise UsageError(
                f"{name} is {numbers[name]}, but follows from the other numbers as {getattr(model, name)}. {CONVENTION}"
            )
    return model


def _intervals(value: object) -> dict[str, tuple[float, float]] | None:
    if value is None:
        return None
    names = (*_FITTED[:2], "sill", "length_scale_km", "effective_range_km", "shape")
    if not isinstance(value, dict):
        raise UsageError(f"intervals is a JSON object or null, not {value!r:.60}.")
    _keys(value, names, "set of intervals", needed=())
    found = {}
    for name, ends in value.items():
        if not isinstance(ends, list) or len(ends) != 2:
            raise UsageError(f"The interval of {name} is [low, high], not {ends!r:.60}.")
        low, high = (_number({name: end}, name, 0) for end in ends)
        if low > high:
            raise UsageError(f"The interval of {name} ends at {high}, below its begin {low}.")
        found[name] = (low, high)
    return found


def _keys(
    values: Mapping[str, object], known: Collection[str], what: str, needed: Collection[str] | None = None
) -> None:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
            raise UsageError(f"A {what} has no key {key!r}: {hint}")
    missing = [key for key in (known if needed is None else needed) if key not in values]
    if missing:
        raise UsageError(f"This {what} lacks {', '.join(missing)}.")


def _number(values: Mapping[str, object], name: str, least: float) -> float:
    value = values[name]
    if type(value) not in (int, float) or not max(least, -LARGEST) <= cast(float, value) <= LARGEST:
        raise UsageError(f"{name} is a finite number{'' if least < 0 else ' that is not negative'}, not {value!r:.60}.")
    return float(cast(float, value))


def _text(values: Mapping[str, object], name: str) -> str:
    value = values[name]
    if not isinstance(value, str):
        raise UsageError(f"{name} is text, not {value!r:.60}.")
    return value


def _choice(values: Mapping[str, object], name: str, choices: Collection[str]) -> Any:
    value = _text(values, name)
    if value not in choices:
        raise UsageError(f"{name} is one of {', '.join(choices)}, not {value!r:.60}.")
    return value
