"""A tiny Google Landmarks Dataset v2 in its true layout: all tables, pictures in a/b/c, and its archives.

Train and index number their landmarks differently, as the real ones do: 7 is a church in train and a fall in index.
"""

from __future__ import annotations

import csv
import hashlib
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from forger_pictures import write_jpeg

WIKI = "http://commons.wikimedia.org/wiki/Category:"
NAMES = {
    "train": {
        7: ("Old_Church", "church", "Church", "human-made"),
        12: ("Some,_Fall", "waterfall", "Waterfall", "natural"),
    },
    "index": {
        7: ("Some,_Fall", "waterfall", "Waterfall", "natural"),
        3: ("Old_Church", "church", "Church", "human-made"),
    },
}


def picture_id(word: str) -> str:
    """Sixteen hexadecimal digits, as the data set names its pictures."""
    return hashlib.blake2b(word.encode(), digest_size=8).hexdigest()


def picture_path(root: Path, split: str, photo: str) -> Path:
    return root / split / photo[0] / photo[1] / photo[2] / f"{photo}.jpg"


@dataclass(frozen=True)
class ForgedGldv2:
    """What was forged.

    Attributes:
        root: the folder.
        landmarks: of each train and index picture, by split and id.
        clean: train pictures of the cleaned subset.
        relevant: index pictures that answer a query.
        usage: of each test picture, as the retrieval solution writes it.
        shown: landmarks (train's numbers) that a test picture shows.
    """

    root: Path
    landmarks: dict[str, dict[str, int]] = field(default_factory=dict)
    clean: frozenset[str] = frozenset()
    relevant: dict[str, tuple[str, ...]] = field(default_factory=dict)
    usage: dict[str, str] = field(default_factory=dict)
    shown: dict[str, tuple[int, ...]] = field(default_factory=dict)


def forge_gldv2(root: Path, tables: str = "metadata") -> ForgedGldv2:
    """Write the data set; ``tables`` is the folder of its tables."""
    train = {picture_id(f"train{i}"): (7, 12)[i % 2] for i in range(6)}
    index = {picture_id(f"index{i}"): (7, 3)[i % 2] for i in range(5)}
    falls = tuple(photo for photo, landmark in index.items() if landmark == 7)
    tests = [picture_id(f"test{i}") for i in range(4)]
    relevant = {tests[0]: falls, tests[1]: falls[:1], tests[2]: (), tests[3]: tuple(index)}
    forged = ForgedGldv2(
        root,
        {"train": train, "index": index},
        frozenset(list(train)[:4]),
        relevant,
        dict(zip(tests, ("Public", "Private", "Ignored", "Private"), strict=True)),
        dict(zip(tests, ((12,), (7, 12), (), (7,)), strict=True)),
    )
    for split, photos in (("train", train), ("index", index), ("test", tests)):
        for photo in photos:
            write_jpeg(picture_path(root, split, photo), photo)
    folder = root / tables
    folder.mkdir(parents=True, exist_ok=True)
    _write_tables(folder, forged)
    return forged


def _write_tables(folder: Path, forged: ForgedGldv2) -> None:
    train, index = forged.landmarks["train"], forged.landmarks["index"]
    url = "https://upload.wikimedia.org/{}.jpg".format
    _write(folder / "train.csv", ("id", "url", "landmark_id"), [(p, url(p), n) for p, n in train.items()])
    clean = {n: " ".join(p for p in train if p in forged.clean and train[p] == n) for n in NAMES["train"]}
    _write(folder / "train_clean.csv", ("landmark_id", "images"), clean.items())
    by, title = "http://creativecommons.org/licenses/by/3.0", 'File:A "quoted", two\nline title {}.jpg'.format
    rows = [(p, url(p), f"Author {p[:4]}", by, title(p)) for p in reversed(train)]
    _write(folder / "train_attribution.csv", ("id", "url", "author", "license", "title"), rows)
    for split, names in NAMES.items():
        labels = [(n, WIKI + name[0], *name[1:]) for n, name in names.items()]
        columns = ("landmark_id", "category", "supercategory", "hierarchical_label", "natural_or_human_made")
        _write(folder / f"{split}_label_to_hierarchical.csv", columns, labels)
        _write(folder / f"{split}_label_to_category.csv", columns[:2], [label[:2] for label in labels])
    _write(folder / "index.csv", ("id",), [(p,) for p in index])
    _write(folder / "index_image_to_landmark.csv", ("id", "landmark_id"), reversed(index.items()))
    _write(folder / "test.csv", ("id",), [(p,) for p in forged.usage])
    ignored = {p: "None" if used == "Ignored" else " ".join(forged.relevant[p]) for p, used in forged.usage.items()}
    _write(
        folder / "retrieval_solution_v2.1.csv",
        ("id", "images", "Usage"),
        [(p, images, forged.usage[p]) for p, images in ignored.items()],
    )
    halves = ("Public", "Private", "Public", "Private")
    _write(
        folder / "recognition_solution_v2.1.csv",
        ("id", "landmarks", "Usage"),
        [(p, " ".join(map(str, shown)), half) for (p, shown), half in zip(forged.shown.items(), halves, strict=True)],
    )


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def publish_gldv2(forged: ForgedGldv2, site: Path) -> None:
    """Lay the data set out as it is published: tables, one archive a part, and the archive's MD5."""
    bucket = site / "google-landmark"
    for table in (forged.root / "metadata").iterdir():
        folder = bucket / ("ground_truth" if "solution" in table.name else "metadata")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / table.name).write_bytes(table.read_bytes())
    for split in ("train", "index", "test"):
        archive = bucket / split / "images_000.tar"
        archive.parent.mkdir(parents=True)
        with tarfile.open(archive, "w") as tar:
            for letter in sorted((forged.root / split).iterdir()):
                tar.add(letter, letter.name)
        digest = hashlib.md5(archive.read_bytes()).hexdigest()
        sums = bucket / "md5sum" / split
        sums.mkdir(parents=True)
        (sums / "md5.images_000.txt").write_text(f"{digest}  images_000.tar\n")
