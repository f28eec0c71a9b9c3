"""Tiny Oxford5k, ROxford5k and distractors in their true layouts: pickles, MATLAB files and the original texts."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forger_pictures import write_jpeg
from scipy.io import savemat

GALLERY = ("all_souls_000013", "all_souls_000026", "oxford_002985", "radcliffe_camera_000519", "trinity_000230")
QUERIES = ("all_souls_000051", "radcliffe_camera_000523")
BOXES = ((136.5, 34.1, 648.5, 955.7), (2.0, 0.0, 14.0, 11.0))
REVISITED = (
    {"easy": (0, 1), "hard": (2,), "junk": (4,)},
    {"easy": (), "hard": (3, 2), "junk": ()},
)
OLD = ({"ok": (0, 1, 2), "junk": (4,)}, {"ok": (3,), "junk": (0, 2)})


@dataclass(frozen=True)
class ForgedBuildings:
    """What was forged: names, boxes in pixels, and by query the names in each group."""

    folder: Path
    gallery: tuple[str, ...]
    queries: tuple[str, ...]
    boxes: tuple[tuple[float, ...], ...]
    groups: dict[str, tuple[tuple[str, ...], ...]]


def forge_revisited(folder: Path, name: str = "roxford5k", form: str = "pkl", protocol: int = 2) -> ForgedBuildings:
    """ROxford5k or RParis6k: query pictures are not in the gallery."""
    return _forge(folder, name, form, protocol, QUERIES, REVISITED)


def forge_oxford(folder: Path, name: str = "oxford5k", form: str = "pkl", protocol: int = 2) -> ForgedBuildings:
    """Oxford5k or Paris6k: queries are gallery pictures; ``form`` is ``pkl``, ``mat`` or ``txt``."""
    return _forge(folder, name, form, protocol, (GALLERY[0], GALLERY[3]), OLD)


def forge_distractors(folder: Path) -> list[str]:
    """A few distractors with their list; the names that it has, one of them without suffix."""
    names = ["0/1001.jpg", "0/1002.jpg", "17/1003"]
    for name in names:
        write_jpeg(folder / "jpg" / (name if name.endswith(".jpg") else f"{name}.jpg"), name)
    (folder / "revisitop1m.txt").write_text("\n".join(names) + "\n")
    return names


def _forge(
    folder: Path,
    name: str,
    form: str,
    protocol: int,
    queries: tuple[str, ...],
    lists: Sequence[Mapping[str, tuple[int, ...]]],
) -> ForgedBuildings:
    for picture in {*GALLERY, *queries}:
        write_jpeg(folder / "jpg" / f"{picture}.jpg", picture)
    if form == "pkl":
        (folder / f"gnd_{name}.pkl").write_bytes(pickle.dumps(_entries(queries, lists), protocol=protocol))
    elif form == "mat":
        savemat(folder / f"gnd_{name}.mat", _matlab(queries, lists), do_compression=True)
    else:
        _write_texts(folder / "gt", queries, lists)
    groups = {group: tuple(tuple(GALLERY[row] for row in one[group]) for one in lists) for group in lists[0]}
    return ForgedBuildings(folder, GALLERY, queries, BOXES, groups)


def _entries(queries: tuple[str, ...], lists: Sequence[Mapping[str, tuple[int, ...]]]) -> dict[str, Any]:
    """As the published pickles are: positions as arrays, boxes as lists of NumPy numbers or plain ones."""
    gnd = [
        {group: np.array(rows, dtype=np.int64) for group, rows in one.items()} | {"bbx": [np.float64(n) for n in box]}
        for one, box in zip(lists, BOXES, strict=True)
    ]
    return {"gnd": gnd, "imlist": list(GALLERY), "qimlist": list(queries)}


def _matlab(queries: tuple[str, ...], lists: Sequence[Mapping[str, tuple[int, ...]]]) -> dict[str, Any]:
    """Cells of names and a row of structs; positions count from 1, as rows, an empty list as 0 x 0."""
    gnd = np.zeros((1, len(lists)), dtype=[(field, "O") for field in ("bbx", *lists[0])])
    for row, (one, box) in enumerate(zip(lists, BOXES, strict=True)):
        places = [np.array([rows], dtype=np.float64) + 1 if rows else np.zeros((0, 0)) for rows in one.values()]
        gnd[0, row] = (np.array([box]), *places)
    cells = {"imlist": _cell(GALLERY), "gnd": gnd}
    if "ok" in lists[0]:
        return cells | {"qidx": np.array([[GALLERY.index(name) + 1 for name in queries]], dtype=np.float64)}
    return cells | {"qimlist": _cell(queries)}


def _cell(names: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.array([[name] for name in names], dtype=object)


def _write_texts(folder: Path, queries: tuple[str, ...], lists: Sequence[Mapping[str, tuple[int, ...]]]) -> None:
    """A query's picture with the prefix of Oxford's features; the first answer is good, the rest ok."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, box, one) in enumerate(zip(queries, BOXES, lists, strict=True), 1):
        stem = f"{name.rpartition('_')[0]}_{number}"
        (folder / f"{stem}_query.txt").write_text(f"oxc1_{name} {' '.join(map(str, box))}\n")
        for kind, rows in (("good", one["ok"][:1]), ("ok", one["ok"][1:]), ("junk", one["junk"])):
            (folder / f"{stem}_{kind}.txt").write_text("".join(f"{GALLERY[row]}\n" for row in rows))
