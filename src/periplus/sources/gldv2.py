"""Google Landmarks Dataset v2 (Weyand et al., CVPR 2020; github.com/cvdfoundation/google-landmark).

::

    gldv2/train/0/1/2/0123456789abcdef.jpg     4,132,914 pictures; index/ 761,757; test/ 117,577
    gldv2/metadata/train.csv ...               or beside the folders, or in train/, index/ and test/

Landmarks of ``train`` and of ``index`` are two numberings: 7 is one thing here and another there. So they are called
``train:7`` and ``index:7`` and cannot be mixed. Neither set has positions; its pictures carry no useful GPS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from periplus.errors import CatalogError, UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.records import SCHEMA, Catalog, Skip
from periplus.sources.bigcsv import check_unique, place, read_columns
from periplus.sources.gldv2_files import ID, LANDMARK, NONE, gldv2_file, pictures_there
from periplus.sources.listing import SHOWN, missing_skips
from periplus.sources.scan import Scan
from periplus.sources.truth import Truth

SPLITS = ("train", "index", "test")
LABELS = ("category", "supercategory", "hierarchical_label", "natural_or_human_made")

GLDV2_SCHEMA = pa.schema(
    [
        *SCHEMA,
        *(pa.field(name, pa.dictionary(pa.int32(), pa.string())) for name in LABELS),
        pa.field("clean", pa.bool_()),
        pa.field("url", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("title", pa.string()),
    ]
)
"""The columns of its catalog. ``clean``: whether a train picture is in ``train_clean.csv``."""

_USAGES = {"Public": "query-public", "Private": "query-private", "Ignored": "ignored"}


def read_gldv2(
    root: Path,
    splits: Sequence[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int], None] | None = None,
) -> Scan:
    """Read the data set, or parts of it.

    A part needs ``train.csv``, ``index.csv``, or ``test.csv`` with ``retrieval_solution_v2.1.csv``; the other tables
    add columns where they are. Pictures are found by listing folders.

    Args:
        root: the folder that holds ``train``, ``index`` and ``test``.
        splits: of :data:`SPLITS`; by default those whose table is there.
        limits: of each table.
        progress: called with the number of rows so far, after each part.

    Returns:
        The columns of :data:`GLDV2_SCHEMA`, in the order of the parts and their tables. ``split`` is ``train``,
        ``index``, ``query-public``, ``query-private`` or ``ignored``. Skips are ``missing``.

    Raises:
        UsageError: there is no such folder, or a part has another name.
        CatalogError: a table is missing or breaks its rules.
    """
    if not root.is_dir():
        raise UsageError(f"There is no folder {str(root)!r} to read GLDv2 from.")
    chosen = tuple(splits) if splits is not None else tuple(s for s in SPLITS if gldv2_file(root, f"{s}.csv"))
    if unknown := [split for split in chosen if split not in SPLITS]:
        raise UsageError(f"GLDv2 has the parts {', '.join(SPLITS)}; there is no {unknown[0]!r}.")
    if not chosen:
        raise CatalogError(f"{root} has none of train.csv, index.csv and test.csv. Fetch them: periplus data gldv2.")
    tables: list[pa.Table] = []
    skipped: list[Skip] = []
    for split in chosen:
        table, missing = _read_split(root, split, limits)
        tables.append(table)
        skipped.extend(missing)
        if progress:
            progress(sum(map(len, tables)))
    table = pa.concat_tables(tables)
    if len(pc.unique(table.column("id"))) != len(table):
        raise CatalogError(f"{root}: a picture's id stands in two of {', '.join(chosen)}. Read them one by one.")
    return Scan(Catalog(table), tuple(skipped), root.resolve())


def gldv2_relevance(root: Path, limits: Limits = DEFAULT_LIMITS) -> Truth:
    """What answers each test picture: ids of index pictures (group ``relevant``), none where it is ignored.

    Raises:
        CatalogError: ``retrieval_solution_v2.1.csv`` is missing or breaks its rules.
    """
    return _solution(root, "retrieval_solution_v2.1.csv", "images", ID, "relevant", limits)


def gldv2_recognition(root: Path, limits: Limits = DEFAULT_LIMITS) -> Truth:
    """Which landmarks each test picture shows (group ``landmark``), as ``train:NUMBER``; most show none.

    The task was set with the train set, so these are train's numbers.

    Raises:
        CatalogError: ``recognition_solution_v2.1.csv`` is missing or breaks its rules.
    """
    return _solution(root, "recognition_solution_v2.1.csv", "landmarks", LANDMARK, "landmark", limits)


def _solution(root: Path, name: str, column: str, one: str, group: str, limits: Limits) -> Truth:
    path = _needed(root, name)
    many = f"{one}(?: {one})*|None|"
    table = read_columns(path, {"id": ID, column: "", "Usage": "Public|Private|Ignored"}, limits)
    check_unique(table.column("id"), path, "id")
    lists = pc.fill_null(table.column(column), "")
    good = pc.match_substring_regex(lists, f"^(?:{many})$")
    if not pc.all(good).as_py() and len(table):
        row = good.to_pylist().index(False)
        raise CatalogError(
            f"{place(path, row)}: {column} is {lists[row].as_py()[:60]!r}, not {one} separated by spaces."
        )
    prefix = "train:" if group == "landmark" else ""
    answers = tuple(
        () if text in ("", NONE) else tuple(dict.fromkeys(prefix + word for word in text.split()))
        for text in lists.to_pylist()
    )
    usage = tuple(value.lower() for value in table.column("Usage").to_pylist())
    return Truth(tuple(table.column("id").to_pylist()), {group: answers}, usage)


def _read_split(root: Path, split: str, limits: Limits) -> tuple[pa.Table, tuple[Skip, ...]]:
    path = _needed(root, f"{split}.csv")
    columns = {"id": ID, "landmark_id": LANDMARK} if split == "train" else {"id": ID}
    table = read_columns(path, columns, limits)
    check_unique(table.column("id"), path, "id")
    there = pc.is_in(table.column("id"), pictures_there(root / split))
    missing = table.column("id").filter(pc.invert(there))
    skips = missing_skips(missing.slice(0, SHOWN).to_pylist(), root / split, len(missing))
    table = table.filter(there)
    ids = table.column("id")
    found: dict[str, pa.ChunkedArray] = {"id": ids, "path": _paths(ids, f"{root.resolve()}/{split}")}
    if split == "test":
        found["split"] = _query_splits(ids, root, limits)
    else:
        found["split"] = _constant(split, len(ids))
        found |= _landmarks(table, root, split, limits)
    if split == "train":
        found |= _of_train(ids, root, limits)
    parts = [found.get(field.name, pa.nulls(len(ids), field.type)) for field in GLDV2_SCHEMA]
    return pa.Table.from_arrays(parts, schema=GLDV2_SCHEMA), skips


def _landmarks(table: pa.Table, root: Path, split: str, limits: Limits) -> dict[str, pa.ChunkedArray]:
    """The landmark of each row, and what is known of it."""
    if split == "train":
        numbers = table.column("landmark_id")
    elif path := gldv2_file(root, "index_image_to_landmark.csv"):
        labels = read_columns(path, {"id": ID, "landmark_id": LANDMARK}, limits, table.column("id"))
        check_unique(labels.column("id"), path, "id")
        numbers = labels.column("landmark_id").take(pc.index_in(table.column("id"), labels.column("id")))
    else:
        return {}
    found = {"landmark": pc.binary_join_element_wise(split, numbers, ":")}
    named = gldv2_file(root, f"{split}_label_to_hierarchical.csv") or gldv2_file(root, f"{split}_label_to_category.csv")
    if named:
        columns = LABELS if "hierarchical" in named.name else LABELS[:1]
        labels = read_columns(named, {"landmark_id": LANDMARK} | dict.fromkeys(columns, ""), limits)
        check_unique(labels.column("landmark_id"), named, "landmark_id")
        rows = pc.index_in(numbers, labels.column("landmark_id"))
        found |= {name: labels.column(name).dictionary_encode().combine_chunks().take(rows) for name in columns}
    return found


def _of_train(ids: pa.ChunkedArray, root: Path, limits: Limits) -> dict[str, pa.ChunkedArray]:
    """What only train pictures have: who made them, and whether they are in the cleaned subset."""
    found: dict[str, pa.ChunkedArray] = {}
    if path := gldv2_file(root, "train_clean.csv"):
        lists = read_columns(path, {"landmark_id": LANDMARK, "images": f"{ID}(?: {ID})*"}, limits).column("images")
        clean = [pc.list_flatten(pc.split_pattern(chunk, " ")) for chunk in lists.chunks]
        found["clean"] = pc.is_in(ids, pa.chunked_array(clean, pa.string()))
    if path := gldv2_file(root, "train_attribution.csv"):
        names = {"url": "url", "author": "author", "license": "licence", "title": "title"}
        table = read_columns(path, {"id": ID} | dict.fromkeys(names, ""), limits, ids)
        check_unique(table.column("id"), path, "id")
        rows = pc.index_in(ids, table.column("id"))
        found |= {ours: table.column(theirs).take(rows) for theirs, ours in names.items()}
    return found


def _query_splits(ids: pa.ChunkedArray, root: Path, limits: Limits) -> pa.ChunkedArray:
    path = _needed(root, "retrieval_solution_v2.1.csv")
    table = read_columns(path, {"id": ID, "Usage": "|".join(_USAGES)}, limits, ids)
    check_unique(table.column("id"), path, "id")
    usages = table.column("Usage").take(pc.index_in(ids, table.column("id")))
    names = pa.array(list(_USAGES.values()))
    # A picture that the solution does not know is not asked.
    return pc.fill_null(names.take(pc.index_in(usages, pa.array(list(_USAGES)))), "ignored")


def _paths(ids: pa.ChunkedArray, folder: str) -> pa.ChunkedArray:
    letters = [pc.utf8_slice_codeunits(ids, start, start + 1) for start in range(3)]
    return pc.binary_join_element_wise(folder, *letters, pc.binary_join_element_wise(ids, "jpg", "."), "/")


def _constant(text: str, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), length)


def _needed(root: Path, name: str) -> Path:
    path = gldv2_file(root, name)
    if path is None:
        raise CatalogError(f"{root} has no {name} (nor metadata/{name}). Fetch it: periplus data gldv2 --part csv.")
    return path
