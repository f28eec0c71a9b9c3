"""ROxford5k, RParis6k and the million distractors (Radenovic et al., CVPR 2018, cmp.felk.cvut.cz/revisitop).

::

    roxford5k/gnd_roxford5k.pkl (or .mat)   70 queries, 4,993 gallery pictures
    roxford5k/jpg/*.jpg
    revisitop1m/revisitop1m.txt             one path a line, below jpg/
    revisitop1m/jpg/...

A protocol makes its positives of ``easy`` and ``hard`` and leaves ``junk`` out: easy = (easy; junk + hard), medium =
(easy + hard; junk), hard = (hard; junk + easy). Query pictures are not in the gallery. Queries are cropped to their box
before anything else: not doing so adds 5 points of mAP with the distractors and compares with nothing published.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pyarrow as pa

from periplus.errors import CatalogError, UsageError
from periplus.photos import is_photo_name
from periplus.records import SCHEMA, Catalog, Skip
from periplus.sources.groundtruth import Benchmark, read_benchmark
from periplus.sources.listing import missing_skips
from periplus.sources.restricted import bounded_bytes
from periplus.sources.scan import Scan
from periplus.sources.truth import Truth

GROUPS = ("easy", "hard", "junk")
DISTRACTORS = "revisitop1m"

_MAX_LIST_BYTES = 1 << 27
_MAX_LINES = 2_000_000
_MAX_NAME = 300


def read_revisited(
    folder: Path, name: str, progress: Callable[[int], None] | None = None, *, distractors: bool = False
) -> Scan:
    """Read ROxford5k or RParis6k: first the queries, then the gallery (``split`` says which).

    Args:
        folder: with the ground truth, and the pictures in ``jpg``.
        name: ``"roxford5k"`` or ``"rparis6k"``.
        progress: called with the number of pictures so far.
        distractors: append the million distractors, from ``revisitop1m`` in the folder or beside it.

    Returns:
        Queries have a box (:data:`~periplus.sources.groundtruth.BOX_COLUMNS`). Skips are ``missing``.

    Raises:
        CatalogError: the ground truth is missing or breaks its rules.
    """
    scan = _benchmark(folder, name).scan(folder, progress)
    if not distractors:
        return scan
    places = (folder / DISTRACTORS, folder.resolve().parent / DISTRACTORS)
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise CatalogError(
            f"There is no {DISTRACTORS} in {folder} or beside it. Fetch it: periplus data {DISTRACTORS}."
        )
    more = read_distractors(place, lambda done: progress(len(scan.catalog) + done) if progress else None)
    table = pa.concat_tables([scan.catalog.table, more.catalog.table], promote_options="default")
    return Scan(Catalog(table), scan.skipped + more.skipped, scan.root)


def revisited_truth(folder: Path, name: str) -> Truth:
    """What answers the queries of ROxford5k or RParis6k: ``easy``, ``hard`` and ``junk``.

    Raises:
        CatalogError: the ground truth is missing or breaks its rules.
    """
    return _benchmark(folder, name).truth()


def read_distractors(folder: Path, progress: Callable[[int], None] | None = None) -> Scan:
    """Read the million distractors: a gallery without answers, in the order of its list.

    Ids are ``revisitop1m/`` and the line of the list.

    Raises:
        UsageError: there is no such folder.
        CatalogError: the list is missing, or a line could lead out of the folder.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(folder)!r}.")
    root = (folder / "jpg").resolve()
    names = _listed(folder / f"{DISTRACTORS}.txt")
    there = {
        f"{inside}/{file}" if (inside := os.path.relpath(place, root)) != "." else file
        for place, _, files in os.walk(root)
        for file in files
    }
    files = [name if is_photo_name(name) else f"{name}.jpg" for name in names]
    kept = [row for row, file in enumerate(files) if file in there]
    columns: dict[str, list[str]] = {
        "id": [f"{DISTRACTORS}/{names[row]}" for row in kept],
        "path": [f"{root}/{files[row]}" for row in kept],
        "split": ["gallery"] * len(kept),
    }
    arrays = [pa.array(columns.get(f.name, [None] * len(kept)), f.type) for f in SCHEMA]
    if progress:
        progress(len(kept))
    skipped: tuple[Skip, ...] = missing_skips([file for file in files if file not in there], root)
    return Scan(Catalog(pa.Table.from_arrays(arrays, schema=SCHEMA)), skipped, folder.resolve())


def _benchmark(folder: Path, name: str) -> Benchmark:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(folder)!r} to read {name} from.")
    return read_benchmark(folder, name, GROUPS)


def _listed(path: Path) -> list[str]:
    try:
        lines = bounded_bytes(path, _MAX_LIST_BYTES).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path} is no list of names in UTF-8.") from error
    if len(lines) > _MAX_LINES:
        raise CatalogError(f"{path} has {len(lines)} lines; the limit is {_MAX_LINES}.")
    names: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name:
            continue
        bad = len(name) > _MAX_NAME or not name.isprintable() or "\\" in name or name.startswith("/")
        if bad or ".." in PurePosixPath(name).parts or name in names:
            why = "stands there twice" if name in names else "is no path below jpg/"
            raise CatalogError(f"{path} line {number}: {name[:80]!r} {why}.")
        names[name] = number
    return list(names)
