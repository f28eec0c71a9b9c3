"""Which column of a stranger's table holds what."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from periplus.errors import CatalogError

SPELLINGS: dict[str, tuple[str, ...]] = {
    "id": ("id", "imageid", "photoid", "uuid"),
    "path": ("path", "file", "filename", "filepath", "image", "imagepath", "imgpath", "img", "photo", "imgid"),
    "lat_deg": ("latdeg", "lat", "latitude", "gpslatitude"),
    "lon_deg": ("londeg", "lon", "lng", "long", "longitude", "gpslongitude"),
    "landmark": ("landmark", "landmarkid"),
    "author": ("author", "user", "userid", "photographer"),
    "sequence": ("sequence", "sequenceid"),
    "taken_at": ("takenat", "capturedat", "datetaken", "datetimelocal"),
    "split": ("split",),
}
"""For each column of a catalog, the names it goes by, in order of preference; case, spaces, ``_`` and ``-`` aside."""

_POSITIONS = ("lat_deg", "lon_deg")


def find_columns(names: Sequence[str], mapping: Mapping[str, str] | None, where: str) -> dict[str, str]:
    """Find the columns of a catalog among those of a table.

    Args:
        names: the table's columns.
        mapping: catalog column (in any spelling) to table column, for what the names do not say; an empty table
            column leaves the catalog's out.
        where: the table, for messages.

    Returns:
        Catalog column to table column, for those that were found.

    Raises:
        CatalogError: a name stands twice, a mapping names nothing, or positions are ambiguous or half there.
    """
    repeated = next((name for name in names if list(names).count(name) > 1), None)
    if repeated is not None:
        raise CatalogError(f"{where} has two columns named {repeated!r}; rename one.")
    chosen = _explicit(names, mapping or {}, where)
    for field, spellings in SPELLINGS.items():
        if field in chosen:
            continue
        candidates = [name for spelling in spellings for name in names if _plain(name) == spelling]
        if field in names:
            candidates = [field]
        if len(candidates) > 1 and field in _POSITIONS:
            raise CatalogError(
                f"{where} has several columns for {field}: {', '.join(map(repr, candidates))}. "
                f"Map the right one: --column {field}={candidates[0]}."
            )
        if candidates:
            chosen[field] = candidates[0]
    found = {field: name for field, name in chosen.items() if name}
    _check(found, names, where)
    return found


def _explicit(names: Sequence[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    known = {spelling: field for field, spellings in SPELLINGS.items() for spelling in spellings}
    chosen: dict[str, str] = {}
    for key, name in mapping.items():
        field = known.get(_plain(key))
        if field is None:
            raise CatalogError(f"A catalog has no column {key!r}{_nearest(key, list(SPELLINGS))}")
        if name and name not in names:
            raise CatalogError(f"{where} has no column {name!r} for {field}{_nearest(name, names)}")
        chosen[field] = name
    return chosen


def _check(found: Mapping[str, str], names: Sequence[str], where: str) -> None:
    there = [field for field in _POSITIONS if field in found]
    if len(there) == 1:
        missing = next(field for field in _POSITIONS if field not in found)
        raise CatalogError(
            f"{where} has {found[there[0]]!r} for {there[0]} but no column for {missing}. It has "
            f"{', '.join(map(repr, names))}; name it: --column {missing}=NAME."
        )
    if there and found["lat_deg"] == found["lon_deg"]:
        raise CatalogError(f"{where}: {found['lat_deg']!r} cannot be both the latitude and the longitude.")
    if not there and "path" not in found:
        raise CatalogError(
            f"{where} has neither files nor positions; its columns are {', '.join(map(repr, names))}. "
            "Say which is which: --column path=NAME --column lat_deg=NAME --column lon_deg=NAME."
        )


def _nearest(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name.casefold(), [n.casefold() for n in names], n=1, cutoff=0.5)
    nearest = next((n for n in names if close and n.casefold() == close[0]), None)
    return f"; did you mean {nearest!r}?" if nearest else f"; there are {', '.join(map(repr, names))}."


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c not in " _-")
