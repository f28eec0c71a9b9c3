"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from periplus.errors import CannotRunError

TEMPORARY = re.compile(r"\.periplus-[0-9a-f]{12}\.tmp")
"""The names of files in the making; one that is left over comes from a killed process."""

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space and run again.",
    errno.EDQUOT: "your disk quota is used up. Free some space and run again.",
    errno.EROFS: "the file system is read-only. Choose another place.",
    errno.EACCES: "permission is denied. Choose another place, or change the folder's permissions.",
    errno.EPERM: "permission is denied. Choose another place, or change the folder's permissions.",
    errno.ENOTDIR: "a part of this path is a file, not a folder. Choose another place.",
    errno.EISDIR: "there is a folder of this name. Choose another name.",
    errno.ENOENT: "its folder does not exist. Make the folder first.",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one.",
}


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn the system's refusals inside the block into one clear message about ``target``.

    Raises:
        CannotRunError: the system refused to write; the message says why and what to do.
    """
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}. Check the disk and run again.")
        raise CannotRunError(f"Cannot write {target}: {reason}") from error


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path beside ``target`` that becomes ``target`` when the block succeeds.

    The file is synced before it is renamed and the folder after, so that a crash leaves the old file or the new one,
    each whole. A link is followed: what it points to is replaced. When the block fails nothing is left behind.

    Raises:
        CannotRunError: the system refused to write.
    """
    with writing(target):
        real = Path(os.path.realpath(target))
        temporary = real.with_name(f".periplus-{secrets.token_hex(6)}.tmp")
        try:
            yield temporary
            sync_file(temporary)
            os.replace(temporary, real)  # noqa: PTH105 - the one instruction that commits
            sync_folder(real.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes_atomic(target: Path, data: bytes | memoryview) -> None:
    """Write ``data`` to ``target``, whole or not at all.

    Raises:
        CannotRunError: the system refused to write.
    """
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def write_json_atomic(target: Path, value: object) -> None:
    """Write ``value`` to ``target`` as UTF-8 JSON with sorted keys, whole or not at all.

    Raises:
        CannotRunError: the system refused to write.
        ValueError: a number is NaN or infinite, which JSON cannot say.
        TypeError: a part is not JSON.
    """
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes_atomic(target, (text + "\n").encode())


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on the disk: a rename or a new file in it survives a power cut."""
    try:
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        # Some network and user-space file systems cannot sync folders; nothing better can be done there.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
