"""Oxford5k and Paris6k by their first protocol (Philbin et al., CVPR 2007 and 2008; robots.ox.ac.uk/~vgg/data).

::

    oxford5k/gnd_oxford5k.pkl (or .mat)          55 queries, 5,063 pictures
    oxford5k/jpg/*.jpg
    oxford5k/gt/all_souls_1_query.txt ...        the original text files, read where there is no gnd_oxford5k

The text files of a query are ``*_query.txt`` (``oxc1_all_souls_000013 136.5 34.1 648.5 955.7``: picture and box; the
names of Paris have no ``oxc1_``), ``*_good.txt``, ``*_ok.txt`` and ``*_junk.txt`` (a name a line). What answers is good
and ok together; junk counts neither way. The query pictures are gallery pictures too, and a ground truth lists them as
answers, as junk or not at all: nothing is added or removed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from periplus.errors import CatalogError, UsageError
from periplus.sources.groundtruth import Benchmark, picture_name, read_benchmark, read_box
from periplus.sources.listing import list_photos
from periplus.sources.restricted import bounded_bytes
from periplus.sources.scan import Scan
from periplus.sources.truth import Truth

GROUPS = ("ok", "junk")

_QUERY = "_query.txt"
_FEATURE_PREFIX = "oxc1_"
_MAX_FILE_BYTES = 1 << 20
_MAX_QUERIES = 10_000


def read_oxford(folder: Path, name: str, progress: Callable[[int], None] | None = None) -> Scan:
    """Read Oxford5k or Paris6k: first the queries, then the gallery (``split`` says which).

    Args:
        folder: with the ground truth, and the pictures in ``jpg``.
        name: ``"oxford5k"`` or ``"paris6k"``.
        progress: called with the number of pictures so far.

    Returns:
        Queries have a box (:data:`~periplus.sources.groundtruth.BOX_COLUMNS`) and, of the text files, a landmark. Skips
        are ``missing``. Without ``gnd_*`` the gallery is every picture there is, since no text file lists it.

    Raises:
        CatalogError: the ground truth is missing or breaks its rules.
    """
    return _benchmark(folder, name).scan(folder, progress)


def oxford_truth(folder: Path, name: str) -> Truth:
    """What answers the queries of Oxford5k or Paris6k: ``ok`` (good and ok) and ``junk``.

    Raises:
        CatalogError: the ground truth is missing or breaks its rules.
    """
    return _benchmark(folder, name).truth()


def _benchmark(folder: Path, name: str) -> Benchmark:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(folder)!r} to read {name} from.")
    if any((folder / f"gnd_{name}{suffix}").is_file() for suffix in (".pkl", ".mat")):
        return read_benchmark(folder, name, GROUPS)
    texts = sorted(path for place in ("gt", "lab", ".") for path in (folder / place).glob(f"*{_QUERY}"))
    if not texts:
        return read_benchmark(folder, name, GROUPS)  # which says what is missing
    if len(texts) > _MAX_QUERIES:
        raise CatalogError(f"{folder} has {len(texts)} files *{_QUERY}; the limit is {_MAX_QUERIES}.")
    return _from_texts(folder, texts)


def _from_texts(folder: Path, texts: list[Path]) -> Benchmark:
    there = list_photos(folder / "jpg" if (folder / "jpg").is_dir() else folder)
    found = [_query(path) for path in texts]
    lists = [_answers(path) for path in texts]
    named = [name for answers in lists for names in answers.values() for name in names]
    gallery = tuple(sorted({*there, *named}))
    rows = {name: row for row, name in enumerate(gallery)}
    groups = {group: tuple(tuple(rows[name] for name in answers[group]) for answers in lists) for group in GROUPS}
    landmarks = tuple(path.name.removesuffix(_QUERY).rpartition("_")[0] for path in texts)
    return Benchmark(gallery, tuple(name for name, _ in found), tuple(box for _, box in found), groups, landmarks)


def _query(path: Path) -> tuple[str, tuple[float, float, float, float]]:
    words = " ".join(_lines(path)).split()
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        numbers = []
    name = picture_name(words[0] if words else "", str(path))
    return name.removeprefix(_FEATURE_PREFIX), read_box(numbers, str(path))


def _answers(path: Path) -> Mapping[str, list[str]]:
    def listed(kind: str) -> list[str]:
        file = path.with_name(path.name.removesuffix(_QUERY) + f"_{kind}.txt")
        return [picture_name(line, str(file)) for line in _lines(file)]

    answers = {"ok": list(dict.fromkeys(listed("good") + listed("ok"))), "junk": list(dict.fromkeys(listed("junk")))}
    if both := set(answers["ok"]) & set(answers["junk"]):
        raise CatalogError(f"{path.parent}: {min(both)!r} is both an answer of {path.name} and junk.")
    return answers


def _lines(path: Path) -> list[str]:
    try:
        text = bounded_bytes(path, _MAX_FILE_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path} is no text in UTF-8.") from error
    return [line for line in map(str.strip, text.splitlines()) if line]
