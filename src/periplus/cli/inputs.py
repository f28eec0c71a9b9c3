"""The photos that a person named, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from periplus.cli.progress import Tell
from periplus.errors import PhotoError, UsageError

if TYPE_CHECKING:
    from periplus.records import Skip

Answer = TypeVar("Answer")


@dataclass
class Inputs:
    """The photos to ask.

    Attributes:
        photos: paths as they were named, or found in the folders that were.
        skipped: what could not be used, so far.
    """

    photos: list[Path] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def each(self, stage: str, ask: Callable[[Path], Answer], tell: Tell) -> Iterator[tuple[Path, Answer]]:
        """Ask every photo; those that cannot be used are skipped."""
        from periplus.records import Skip

        for done, photo in enumerate(self.photos, 1):
            try:
                answer = ask(photo)
            except PhotoError as error:
                self.skipped.append(Skip(str(photo), error.kind, error.reason))
            else:
                yield photo, answer
            tell(stage, done, len(self.photos))


def find_photos(names: Sequence[str], tell: Tell) -> Inputs:
    """The photos of files and folders, in the order in which they are named.

    Raises:
        UsageError: a name is empty.
    """
    from periplus.records import Skip
    from periplus.sources import is_valid_name

    found = Inputs()
    for name in names:
        if not name:
            raise UsageError("An empty name is no photo.")
        path = Path(name)
        if path.is_dir():
            _add_folder(found, path, tell)
        elif is_valid_name(name):
            found.photos.append(path)
        else:
            found.skipped.append(Skip(_shown(name), "bad-name", "the name is no valid UTF-8; rename it."))
    return found


def _add_folder(found: Inputs, folder: Path, tell: Tell) -> None:
    from periplus.records import Skip
    from periplus.sources import read_folder

    scan = read_folder(folder, progress=lambda done: tell("read", done, None))
    if not len(scan.catalog) and not scan.skipped:
        found.skipped.append(Skip(str(folder), "empty", "the folder holds no photo."))
    found.photos += [folder / photo for photo in scan.catalog.ids]
    found.skipped += [Skip(str(folder / skip.path), skip.kind, skip.reason) for skip in scan.skipped]


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
