"""From a table of a TOML file to a frozen dataclass, strictly.

A settings class is a frozen dataclass of plain types: ``str``, ``int``, ``float``, ``bool``, ``Literal``,
``tuple[T, ...]`` and other settings classes. Bounds stand in a field's metadata, put there by :func:`setting`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from periplus.errors import UsageError

Settings = TypeVar("Settings")


def setting(default: object, least: float | None = None, most: float | None = None, above: float | None = None) -> Any:
    """A field of a settings class: its default and its bounds.

    Args:
        default: the value when the file says nothing.
        least: the least value of a number, or of each number of a list.
        most: the largest.
        above: an open lower bound.
    """
    return dataclasses.field(default=default, metadata={"least": least, "most": most, "above": above})


def from_table(kind: type[Settings], table: Mapping[str, object], where: str) -> Settings:
    """Make a settings class of a table.

    Args:
        kind: the settings class.
        table: keys and values as TOML has them.
        where: the table's dotted name, for messages; empty for the whole file.

    Raises:
        UsageError: a key is unknown or missing, a value has the wrong type or lies outside its range.
    """
    fields = {one.name: one for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    values: dict[str, object] = {}
    for key, value in table.items():
        name = f"{where}.{key}" if where else key
        if key not in fields:
            raise UsageError(f"{name}: there is no such setting.{_nearest(key, fields)}")
        values[key] = _checked(hints[key], value, name, fields[key].metadata)
    for key, one in fields.items():
        if key not in values and one.default is one.default_factory is dataclasses.MISSING:
            raise UsageError(f"{where}.{key} must be set: it has no default." if where else f"[{key}] must be there.")
    return kind(**values)


def to_table(settings: object) -> dict[str, Any]:
    """The settings as nested dictionaries of JSON values; :func:`from_table` gives the same settings back."""
    table: dict[str, Any] = {}
    for one in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, one.name)
        if dataclasses.is_dataclass(value):
            value = to_table(value)
        table[one.name] = list(value) if isinstance(value, tuple) else value
    return table


def _nearest(key: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Known here: {', '.join(sorted(known))}."


def _checked(hint: Any, value: object, name: str, bounds: Mapping[str, Any]) -> object:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise UsageError(f"{name} is a table of settings, not {value!r}.")
        return from_table(hint, value, name)  # type: ignore[arg-type]
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if value not in choices or isinstance(value, bool):
            near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.5)
            hope = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{name} is one of {', '.join(map(repr, choices))}; not {value!r}.{hope}")
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise UsageError(f"{name} is a list, not {value!r}.")
        return tuple(_checked(get_args(hint)[0], one, f"{name}[{i}]", bounds) for i, one in enumerate(value))
    if get_origin(hint) is types.UnionType:
        return None if value is None else _checked(get_args(hint)[0], value, name, bounds)
    return _plain(hint, value, name, bounds)


def _plain(hint: type, value: object, name: str, bounds: Mapping[str, Any]) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not hint:
        words = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise UsageError(f"{name} is {words[hint]}, not {value!r}.")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        _within(value, name, bounds)
    return value


def _within(value: float, name: str, bounds: Mapping[str, Any]) -> None:
    least, most, above = (bounds.get(key) for key in ("least", "most", "above"))
    if not math.isfinite(value):
        raise UsageError(f"{name} is a finite number, not {value}.")
    if least is not None and value < least:
        raise UsageError(f"{name} is at least {least}, not {value}.")
    if above is not None and value <= above:
        raise UsageError(f"{name} is more than {above}, not {value}.")
    if most is not None and value > most:
        raise UsageError(f"{name} is at most {most}, not {value}.")
