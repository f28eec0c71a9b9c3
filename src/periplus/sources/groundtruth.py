"""The ground truth of Oxford, Paris and their revisited forms: ``gnd_*.pkl`` and ``gnd_*.mat``.

Both hold ``imlist`` (names of gallery pictures), ``qimlist`` (names of query pictures) and ``gnd`` (for each query its
box ``bbx`` and lists of positions in ``imlist``; MATLAB counts them from 1). Radenovic et al., "Revisiting Oxford and
Paris", CVPR 2018.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from periplus.errors import CatalogError
from periplus.records import SCHEMA, Catalog
from periplus.sources.listing import list_photos, missing_skips
from periplus.sources.matfile import read_mat
from periplus.sources.restricted import read_pickle
from periplus.sources.scan import Scan
from periplus.sources.truth import Truth

BOX_COLUMNS = ("bbx_x1_px", "bbx_y1_px", "bbx_x2_px", "bbx_y2_px")
"""Of a query, the box of what is asked, in pixels of its picture: left, top, right, bottom. Crop to it first."""

_SCHEMA = pa.schema([*SCHEMA, *(pa.field(name, pa.float64()) for name in BOX_COLUMNS)])
_MAX_PICTURES = 2_000_000
_NAME = re.compile(r"[\w.-]{1,200}")
_MAX_SIDE_PX = 100_000.0

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Benchmark:
    """What a ground truth says.

    Attributes:
        gallery: names of the gallery pictures, without suffix.
        queries: names of the query pictures; one may ask twice.
        boxes: of each query, in pixels.
        groups: by name, for each query the positions in ``gallery``.
        landmarks: of each query; empty where it is not said.
    """

    gallery: tuple[str, ...]
    queries: tuple[str, ...]
    boxes: tuple[Box, ...]
    groups: Mapping[str, tuple[tuple[int, ...], ...]]
    landmarks: tuple[str, ...] = ()

    def truth(self) -> Truth:
        """The groups as ids."""
        groups = {
            name: tuple(tuple(self.gallery[place] for place in places) for places in lists)
            for name, lists in self.groups.items()
        }
        return Truth(self.query_ids(), groups)

    def query_ids(self) -> tuple[str, ...]:
        """``query:NAME``, and ``query:NAME#2`` where a picture asks again: gallery pictures may have the same names."""
        seen: Counter[str] = Counter()
        ids = []
        for name in self.queries:
            seen[name] += 1
            ids.append(f"query:{name}" + (f"#{seen[name]}" if seen[name] > 1 else ""))
        return tuple(ids)

    def scan(self, folder: Path, progress: Callable[[int], None] | None = None) -> Scan:
        """The queries, then the gallery, as far as their pictures are in ``folder/jpg`` (or ``folder``)."""
        place = folder / "jpg" if (folder / "jpg").is_dir() else folder
        there = list_photos(place.resolve())
        landmarks = self.landmarks or (None,) * len(self.queries)
        asked = zip(self.query_ids(), self.queries, self.boxes, landmarks, strict=True)
        rows: list[dict[str, object]] = [
            {"id": photo, "path": there[name], "landmark": landmark, "split": "query"}
            | dict(zip(BOX_COLUMNS, box, strict=True))
            for photo, name, box, landmark in asked
            if name in there
        ]
        rows += [{"id": name, "path": there[name], "split": "gallery"} for name in self.gallery if name in there]
        if progress:
            progress(len(rows))
        missing = [name for name in dict.fromkeys((*self.queries, *self.gallery)) if name not in there]
        catalog = Catalog(pa.Table.from_pylist(rows, schema=_SCHEMA))
        return Scan(catalog, missing_skips(missing, place), folder.resolve())


def read_benchmark(folder: Path, name: str, groups: Sequence[str]) -> Benchmark:
    """Read ``gnd_NAME.pkl``, or ``gnd_NAME.mat``, of a folder.

    Args:
        folder: of the benchmark.
        name: such as ``"roxford5k"``.
        groups: the lists that each query must have, such as ``("easy", "hard", "junk")``.

    Raises:
        CatalogError: there is none, or it breaks the rules; the message names the file, the query and the value.
    """
    path = folder / f"gnd_{name}.pkl"
    matlab = not path.is_file() and path.with_suffix(".mat").is_file()
    if matlab:
        path = path.with_suffix(".mat")
    elif not path.is_file():
        raise CatalogError(f"{folder} has no {path.name} (nor .mat). Fetch it: periplus data {name} -o {folder}.")
    found = read_mat(path) if matlab else read_pickle(path)
    if not isinstance(found, dict) or not isinstance(found.get("gnd"), list):
        raise CatalogError(f"{path} holds no ground truth: a dictionary with imlist, qimlist and gnd.")
    gallery = _names(found.get("imlist"), path, "imlist")
    if len(set(gallery)) != len(gallery):
        raise CatalogError(f"{path}: imlist names {Counter(gallery).most_common(1)[0][0]!r} twice.")
    queries = _queries(found, gallery, path)
    given = found["gnd"]
    if len(given) != len(queries):
        raise CatalogError(f"{path} has {len(given)} entries in gnd for {len(queries)} queries.")
    entries = [_entry(one, path, row) for row, one in enumerate(given)]
    first = 1 if matlab else 0
    lists = {
        group: tuple(
            _places(one, group, first, len(gallery), f"{path}: query {row + 1}") for row, one in enumerate(entries)
        )
        for group in groups
    }
    boxes = tuple(read_box(one.get("bbx"), f"{path}: query {row + 1}") for row, one in enumerate(entries))
    return Benchmark(gallery, queries, boxes, lists)


def read_box(value: object, where: str) -> Box:
    """A box as left, top, right, bottom.

    Raises:
        CatalogError: these are no four numbers of a box.
    """
    numbers = [_number(one) for one in _flat(value)]
    # NaN is on neither side of anything.
    good = len(numbers) == 4 and all(abs(number) <= _MAX_SIDE_PX for number in numbers)
    if not good or not (numbers[0] < numbers[2] and numbers[1] < numbers[3]):
        raise CatalogError(f"{where} has the box {_shown(value)}, which is not left, top, right, bottom in pixels.")
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def picture_name(name: object, where: str) -> str:
    """The name of a picture without its suffix.

    Raises:
        CatalogError: it could lead out of its folder, or is none.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("."):
        raise CatalogError(f"{where} names the picture {_shown(name)}; a name has letters, digits, '_', '-' and '.'.")
    return name.removesuffix(".jpg")


def _names(value: object, path: Path, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_PICTURES:
        raise CatalogError(f"{path}: {key} is no list of 1 to {_MAX_PICTURES} names.")
    return tuple(picture_name(name, f"{path}: {key} {row + 1}") for row, name in enumerate(value))


def _queries(found: Mapping[str, object], gallery: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """By name, or (in MATLAB files of the old protocol) by their positions in the gallery, counted from 1."""
    rows = found.get("qidx")
    if "qimlist" in found or not isinstance(rows, list):
        return _names(found.get("qimlist"), path, "qimlist")
    places = _places({"qidx": rows}, "qidx", 1, len(gallery), str(path))
    return tuple(gallery[place] for place in places)


def _entry(one: object, path: Path, row: int) -> dict[str, object]:
    if not isinstance(one, dict):
        raise CatalogError(f"{path}: query {row + 1} of gnd is a {type(one).__name__}, not a dictionary.")
    return one


def _places(entry: Mapping[str, object], group: str, first: int, count: int, where: str) -> tuple[int, ...]:
    if group not in entry:
        raise CatalogError(f"{where} has no list {group!r}; it has {', '.join(map(repr, sorted(entry)))[:200]}.")
    places = []
    for value in _flat(entry[group]):
        number = _number(value)
        if not number.is_integer() or not first <= number < count + first:
            raise CatalogError(
                f"{where}: {group} has {_shown(value)}, not a position of {count} pictures counted from {first}."
            )
        places.append(int(number) - first)
    if len(set(places)) != len(places):
        raise CatalogError(f"{where}: {group} has the position {Counter(places).most_common(1)[0][0] + first} twice.")
    return tuple(places)


def _flat(value: object) -> list[object]:
    """Lists within lists as one; anything that is no list as it is."""
    if not isinstance(value, list | tuple):
        return [value]
    return [inner for one in value for inner in (one if isinstance(one, list | tuple) else [one])]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _shown(value: object) -> str:
    """A value of a file in a message: lists may be long, deep, or in themselves."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(one) if isinstance(one, int | float | str) else '...' for one in value[:8])}]"
    return repr(value)[:80] if isinstance(value, int | float | str | bytes | None) else f"a {type(value).__name__}"
