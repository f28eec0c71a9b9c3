"""Whether a guess lies in the right continent, country, region and city."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.evaluate.fix_report import PlaceTruth
from periplus.geo.continents import CONTINENTS
from periplus.geo.country_names import country_code, plain_name
from periplus.geo.regions import PlaceCodes, gazetteer

SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "continent": ("uniquecontinent", "continent", "continentname", "continentcode"),
    "country": ("uniquecountry", "country", "countryname", "countrycode", "iso2", "isoa2", "cc"),
    "region": ("uniqueregion", "state", "admin1", "adminname", "province", "region"),
    "city": ("uniquecity", "city", "cityascii", "town", "municipality"),
}
"""The names that a column of true places goes by, in order of preference; case and signs aside."""

_WITHIN: Final = {"continent": (), "country": (), "region": ("country",), "city": ("country", "region")}
_CONTINENT_CODES: Final = dict(zip(("AF", "AN", "AS", "EU", "NA", "OC", "SA"), CONTINENTS, strict=True))
_NO_NAMES: Final = frozenset({"", "-", "nan", "NaN", "none", "None", "null", "NULL", "unknown", "Unknown"})
"""Nan, however, is a town."""

_UNKNOWN, _UNRECOGNISED, _NO_GUESS = -1, -2, -3
_MANY: Final = 1 << 18

Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class RightPlace:
    """One kind of place of n queries.

    Attributes:
        right: float64 (n,), 1 where the guess lies in the true one, 0 where not, NaN where the query does not count.
        truth: what was compared with.
        names: the n true names, None where there is none.
    """

    right: NDArray[np.float64]
    truth: PlaceTruth
    names: Callable[[], Sequence[str | None]]


def place_column(kind: str, columns: Sequence[str]) -> str | None:
    """The column of a table that holds true places of a kind, by its name."""
    plain = {plain_name(column): column for column in reversed(columns)}
    return next((plain[spelling] for spelling in SPELLINGS[kind] if spelling in plain), None)


def right_places(
    kinds: Sequence[str], guess: PlaceCodes, truth: PlaceCodes, columns: pa.Table | None
) -> dict[str, RightPlace]:
    """Compare the places of n guesses with the true ones, each kind by itself.

    The guess has the names of the gazetteer. The truth is the source's column where it has one with any value, else the
    gazetteer's for the true position. A region's name counts within its country and a city's within its region and
    country, as far as the source tells them; case, accents and signs do not count, nor what follows a ``_``
    (``"Ohio_US"``). A query counts where the gazetteer, too, has its true place's name in that country; without a guess
    it is wrong.

    Args:
        kinds: of :data:`periplus.geo.regions.PLACE_KINDS`.
        guess: n places.
        truth: n places of the true positions by the gazetteer.
        columns: n rows of the source; None where there is no source.
    """
    told = {} if columns is None else _read(columns)
    answers = {}
    for kind in kinds:
        if columns is None or kind not in told:
            answers[kind] = _by_gazetteer(kind, guess, truth)
            continue
        column, codes = told[kind]
        right = codes == _guessed(kind, guess)
        for larger in (name for name in _WITHIN[kind] if name in told):
            true = told[larger][1]
            right &= (true < 0) | (true == _guessed(larger, guess))
        told_of = PlaceTruth(f"column {column}", *(int(part.sum()) for part in _parted(codes)))
        names = columns.column(column).cast(pa.string()).to_pylist
        answers[kind] = RightPlace(np.where(codes >= 0, right, np.nan), told_of, names)
    return answers


def _by_gazetteer(kind: str, guess: PlaceCodes, truth: PlaceCodes) -> RightPlace:
    true = truth.of(kind)
    right = (true == guess.of(kind)).astype(np.float64)
    known = true >= 0
    if kind == "region":  # Singapore has none
        known &= np.array([*map(bool, gazetteer().names(kind)), False])[true]
    n = int(np.count_nonzero(known))
    told = PlaceTruth("gazetteer", n, len(known) - n, 0)
    right[~known] = np.nan
    return RightPlace(right, told, lambda: [name or None for name in truth.names(kind)])


def _parted(codes: Codes) -> tuple[NDArray[np.bool_], ...]:
    return codes >= 0, codes == _UNKNOWN, codes == _UNRECOGNISED


def _read(columns: pa.Table) -> dict[str, tuple[str, Codes]]:
    """By kind, the column that tells the truth and its places as numbers."""
    found = {}
    for kind in SPELLINGS:
        if (name := place_column(kind, columns.column_names)) is None:
            continue
        texts = columns.column(name).cast(pa.string()).combine_chunks().dictionary_encode()
        meant = np.array([*(_meant(kind, text) for text in texts.dictionary.to_pylist()), _UNKNOWN], np.int32)
        codes = meant[texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        if (codes != _UNKNOWN).any():
            found[kind] = name, codes
    if "country" in found:
        country = found["country"][1]
        for kind in found.keys() & {"region", "city"}:
            name, codes = found[kind]
            there = np.isin(codes * np.int64(_MANY) + country, _names(kind)[2]) | (country < 0) | (codes < 0)
            found[kind] = name, np.where(there, codes, np.int32(_UNRECOGNISED))
    return found


def _meant(kind: str, text: str) -> int:
    """The number of a place by its name: a row of the gazetteer's names, or of its plain names."""
    if text.strip() in _NO_NAMES:
        return _UNKNOWN
    if kind == "country":
        codes, code = gazetteer().country_codes, country_code(text)
        return codes.index(code) if code in codes else _UNRECOGNISED
    if kind == "continent":
        plain = {plain_name(name): row for row, name in enumerate(CONTINENTS)}
        return plain.get(plain_name(_CONTINENT_CODES.get(text.strip().upper(), text)), _UNRECOGNISED)
    return _names(kind)[0].get(plain_name(text.partition("_")[0]), _UNRECOGNISED)


def _guessed(kind: str, guess: PlaceCodes) -> Codes:
    codes = guess.of(kind) if kind in ("continent", "country") else _names(kind)[1][guess.of(kind)]
    return np.where(guess.town >= 0, codes, np.int32(_NO_GUESS))


@cache
def _names(kind: str) -> tuple[dict[str, int], Codes, NDArray[np.int64]]:
    """Numbers of plain names; the number of each region or city; which names there are in which country."""
    known = gazetteer()
    numbers: dict[str, int] = {}
    plain = np.array([numbers.setdefault(plain_name(name), len(numbers)) for name in known.names(kind)], np.int32)
    there = np.unique(plain[known.codes(kind)[:-1]] * np.int64(_MANY) + known.codes("country")[:-1])
    return {name: number for name, number in numbers.items() if name}, plain, there
