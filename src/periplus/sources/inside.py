"""Files that a table names, held inside one folder."""

from __future__ import annotations

import stat
from pathlib import Path

from periplus.records import Skip


class Inside:
    """Finds files below a folder, and nothing outside it: not by ``..``, an absolute path, or a link.

    Args:
        root: the folder, resolved.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # Tables list thousands of files of few folders, and resolving a folder asks the disk at every level.
        self._folders: dict[Path, Path] = {}

    def find(self, file: str) -> str | Skip:
        """The absolute path of a file that exists inside the folder, or the reason why there is none."""
        try:
            path = self._resolved(self._root / file)
            if not path.is_relative_to(self._root):
                reason = f"the file lies outside {self._root}; name the folder that holds all files as the root."
                return Skip(file, "outside", reason)
            mode = path.stat().st_mode
        except (OSError, ValueError):
            return Skip(file, "missing", f"there is no such file in {self._root}.")
        return str(path) if stat.S_ISREG(mode) else Skip(file, "not-a-file", "this is not a regular file.")

    def _resolved(self, path: Path) -> Path:
        if path.parent not in self._folders:
            self._folders[path.parent] = path.parent.resolve()
        path = self._folders[path.parent] / path.name
        return path.resolve() if path.name == ".." or path.is_symlink() else path
