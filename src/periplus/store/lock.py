"""One writer at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from periplus.errors import GalleryError
from periplus.store.atomic import writing

_held: set[int] = set()
_guarded: list[bool] = []


class Lock:
    """An exclusive lock on a file, which the system itself gives back when the process ends, however it ends.

    Args:
        path: the lock file; made if missing, never deleted (deleting would let two writers in).
        what: what is locked, for the message.

    Raises:
        GalleryError: another writer holds it.
        CannotRunError: the file cannot be made or locked here.
    """

    def __init__(self, path: Path, what: str) -> None:
        _guard_forks()
        with writing(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._descriptor)
                raise GalleryError(f"{what} is being written by another process. Wait for it, or stop it.") from None
            except OSError:
                os.close(self._descriptor)
                raise
        _held.add(self._descriptor)

    def release(self) -> None:
        """Give the lock back; again does nothing."""
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            # Closing alone would leave it to a worker that was forked a moment ago.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)


def _guard_forks() -> None:
    # A worker forked while the lock is held shares it, and would keep it after its parent was killed.
    if not _guarded:
        _guarded.append(True)
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    while _held:
        os.close(_held.pop())
