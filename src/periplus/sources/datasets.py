"""Data sets that can be fetched: their files, where these are published, how large they are, and under which terms.

Addresses and MD5 files of GLDv2 are those of its README (github.com/cvdfoundation/google-landmark), the archives of
Oxford and Paris and the revisited ground truth those that revisitop and cirtorch download; sizes in the README are
approximate and so are these. Not checked against the servers: all sizes of tables, of ``paris_2-v1.tgz`` and of the
distractors (estimates, which only bound a download generously), and whether ``ptak.felk.cvut.cz``, published with http
only, speaks https. No MD5 is published but for GLDv2's archives; for all others the one that came is written down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from periplus.errors import UsageError
from periplus.photos import PHOTO_SUFFIXES

_KB, _MB, _GB = 10**3, 10**6, 10**9
_GLDV2 = "https://s3.amazonaws.com/google-landmark"
_REVISITED = "https://cmp.felk.cvut.cz/revisitop/data/datasets"
_CIRTORCH = "https://cmp.felk.cvut.cz/cnnimageretrieval/data/test"
_VGG = "https://www.robots.ox.ac.uk/~vgg/data"
_DISTRACTORS = "http://ptak.felk.cvut.cz/revisitop/revisitop1m"


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        path: where it goes below the folder.
        url: where it is published.
        size_bytes: about.
        md5_url: of its published MD5; empty where there is none.
        unpack: the folder that an archive is unpacked into; None for a file that stays as it is.
        flat: leave the archive's own folders out.
        suffixes: of the members that are wanted.
    """

    path: str
    url: str
    size_bytes: int
    md5_url: str = ""
    unpack: str | None = None
    flat: bool = False
    suffixes: tuple[str, ...] = tuple(PHOTO_SUFFIXES)

    @property
    def limit_bytes(self) -> int:
        """More than this is not taken, since the size is known about."""
        return 4 * self.size_bytes + 64 * _MB


@dataclass(frozen=True)
class DataSet:
    """A data set in parts.

    Attributes:
        name: as in ``periplus data NAME``.
        title: for people.
        parts: files by part.
        default: parts that are fetched where none is named; empty where a person must choose.
        terms: licences, line by line.
    """

    name: str
    title: str
    parts: Mapping[str, tuple[RemoteFile, ...]]
    default: tuple[str, ...]
    terms: tuple[str, ...]

    def select(self, wanted: Sequence[str]) -> tuple[RemoteFile, ...]:
        """The files of some parts.

        Args:
            wanted: names of parts, ``all``, or a stretch of a part's files counted from 0, as in ``train:0-9``.

        Raises:
            UsageError: there is no such part or stretch, or none is named where one must be.
        """
        chosen = list(wanted) or list(self.default)
        if not chosen:
            raise UsageError(f"{self.name} is large: say which parts with --part: {', '.join(self.parts)}.")
        if "all" in chosen:
            chosen = list(self.parts)
        files = [file for one in chosen for file in self._part(one)]
        return tuple(dict.fromkeys(files))

    def _part(self, wanted: str) -> tuple[RemoteFile, ...]:
        name, colon, stretch = wanted.partition(":")
        files = self.parts.get(name)
        if files is None:
            raise UsageError(f"{self.name} has no part {name!r}; it has {', '.join(self.parts)}, and all.")
        if not colon:
            return files
        found = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", stretch)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last < len(files):
            raise UsageError(f"--part {wanted}: {name} has files 0 to {len(files) - 1}; a stretch is {name}:0-9.")
        return files[first : last + 1]


def _table(name: str, size_bytes: int, folder: str = "metadata") -> RemoteFile:
    return RemoteFile(f"metadata/{name}", f"{_GLDV2}/{folder}/{name}", size_bytes)


def _gldv2_archives(split: str, count: int, size_bytes: int) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(
            f"downloads/{split}/images_{number:03d}.tar",
            f"{_GLDV2}/{split}/images_{number:03d}.tar",
            size_bytes,
            md5_url=f"{_GLDV2}/md5sum/{split}/md5.images_{number:03d}.txt",
            unpack=split,
            suffixes=(".jpg",),
        )
        for number in range(count)
    )


def _archive(url: str, size_bytes: int, unpack: str, *, flat: bool = True) -> RemoteFile:
    return RemoteFile(f"downloads/{url.rpartition('/')[2]}", url, size_bytes, unpack=unpack, flat=flat)


def _texts(url: str, size_bytes: int) -> RemoteFile:
    name = url.rpartition("/")[2]
    return RemoteFile(f"downloads/{name}", url, size_bytes, unpack="gt", flat=True, suffixes=(".txt",))


_OXFORD_IMAGES = (_archive(f"{_VGG}/oxbuildings/oxbuild_images-v1.tgz", 1_938_238_004, "jpg"),)
_PARIS_IMAGES = (
    _archive(f"{_VGG}/parisbuildings/paris_1-v1.tgz", 1_269_538_001, "jpg"),
    _archive(f"{_VGG}/parisbuildings/paris_2-v1.tgz", 1_300 * _MB, "jpg"),
)
_FLICKR_TERMS = (
    "The pictures are of Flickr and belong to their makers. For research, under the terms of Flickr and of the Visual",
    "Geometry Group (www.robots.ox.ac.uk/~vgg/data); not to be passed on.",
)

_GLDV2_SET = DataSet(
    "gldv2",
    "Google Landmarks Dataset v2.1: 4,132,914 train, 761,757 index and 117,577 test pictures",
    {
        "csv": (
            _table("train.csv", 500 * _MB),
            _table("train_clean.csv", 30 * _MB),
            _table("train_attribution.csv", _GB),
            _table("train_label_to_category.csv", 20 * _MB),
            _table("train_label_to_hierarchical.csv", 25 * _MB),
            _table("index.csv", 13 * _MB),
            _table("index_image_to_landmark.csv", 18 * _MB),
            _table("index_label_to_category.csv", 10 * _MB),
            _table("index_label_to_hierarchical.csv", 12 * _MB),
            _table("test.csv", 2 * _MB),
            _table("recognition_solution_v2.1.csv", 4 * _MB, "ground_truth"),
            _table("retrieval_solution_v2.1.csv", 6 * _MB, "ground_truth"),
        ),
        "test": _gldv2_archives("test", 20, 500 * _MB),
        "index": _gldv2_archives("index", 100, 850 * _MB),
        "train": _gldv2_archives("train", 500, _GB),
    },
    (),
    (
        "Annotations: CC BY 4.0, Google. Train pictures: CC BY without ND (author and licence of each in",
        "train_attribution.csv). Index and test pictures: CC0 or public domain. Verify what you publish.",
    ),
)


def _buildings(name: str, title: str, images: tuple[RemoteFile, ...], truth: tuple[RemoteFile, ...]) -> DataSet:
    return DataSet(name, title, {"truth": truth, "images": images}, ("truth", "images"), _FLICKR_TERMS)


def _pickle(base: str, name: str) -> RemoteFile:
    return RemoteFile(f"gnd_{name}.pkl", f"{base}/{name}/gnd_{name}.pkl", _MB)


_DISTRACTOR_SET = DataSet(
    "revisitop1m",
    "The million distractors of Revisited Oxford and Paris",
    {
        "list": (RemoteFile("revisitop1m.txt", f"{_DISTRACTORS}/revisitop1m.txt", 30 * _MB),),
        "images": tuple(
            _archive(f"{_DISTRACTORS}/jpg/revisitop1m.{number}.tar.gz", 1_500 * _MB, "jpg", flat=False)
            for number in range(1, 101)
        ),
    },
    (),
    ("The pictures are of Flickr and belong to their makers. For research, not to be passed on. Comes over http.",),
)

DATA_SETS: dict[str, DataSet] = {
    one.name: one
    for one in (
        _GLDV2_SET,
        _buildings(
            "roxford5k",
            "Revisited Oxford: 70 queries, 4,993 pictures",
            _OXFORD_IMAGES,
            (_pickle(_REVISITED, "roxford5k"),),
        ),
        _buildings(
            "rparis6k", "Revisited Paris: 70 queries, 6,322 pictures", _PARIS_IMAGES, (_pickle(_REVISITED, "rparis6k"),)
        ),
        _DISTRACTOR_SET,
        _buildings(
            "oxford5k",
            "Oxford Buildings by its first protocol: 55 queries, 5,063 pictures",
            _OXFORD_IMAGES,
            (_pickle(_CIRTORCH, "oxford5k"), _texts(f"{_VGG}/oxbuildings/gt_files_170407.tgz", 300 * _KB)),
        ),
        _buildings(
            "paris6k",
            "Paris Buildings by its first protocol: 55 queries, 6,392 pictures",
            _PARIS_IMAGES,
            (_pickle(_CIRTORCH, "paris6k"), _texts(f"{_VGG}/parisbuildings/paris_120310.tgz", 300 * _KB)),
        ),
    )
}
"""Data sets by name."""
