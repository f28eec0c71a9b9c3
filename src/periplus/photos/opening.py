"""The one door through which pictures come in: regular, small enough, known and undamaged, or a named error."""

from __future__ import annotations

import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from periplus.errors import MissingExtraError, PeriplusError, PhotoError
from periplus.photos.formats import READABLE, SNIFF_BYTES, Format, sniff
from periplus.photos.limits import DEFAULT_LIMITS, Limits

_WARNINGS = threading.Lock()


@contextmanager
def opened(
    path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS, complaints: list[str] | None = None
) -> Iterator[ImageFile]:
    """Open a picture without decoding it; whatever then goes wrong inside the ``with`` is a damaged photo.

    The plugin that the first bytes ask for is used directly. ``Image.open`` would try them all, needs HEIF to be
    registered for the whole process, and has a pixel limit of its own that only a global variable moves.

    Args:
        path: the file.
        limits: checked before anything is read or decoded.
        complaints: gets what the decoder warns of while it reads the header.

    Yields:
        The picture as it lies in the file, not yet decoded, not yet upright.

    Raises:
        PhotoError: kinds ``missing``, ``unreadable``, ``not-a-file``, ``too-large``, ``not-a-photo``,
            ``unsupported-format``, ``needs-heif``, ``damaged``.
    """
    with open_regular(path, limits.max_bytes) as file:
        found = _known_format(path, file)
        try:
            if found is Format.WEBP:
                _check_pixels(path, _webp_size(file.read(30)), limits)
                file.seek(0)
            with quiet(complaints):
                picture = _plugin(path, found)(file)
            _check_pixels(path, picture.size, limits)
            yield picture
        except PeriplusError:
            raise
        except MemoryError as error:
            raise PhotoError(path, "too-large", "there is not enough memory to decode this picture.") from error
        except Exception as error:
            # Decoders that are fed hostile bytes raise anything: OSError, SyntaxError, struct.error, IndexError ...
            raise PhotoError(path, "damaged", f"the {found.value} data is damaged ({_first_line(error)}).") from error


@contextmanager
def open_regular(path: str | os.PathLike[str], max_bytes: int) -> Iterator[BinaryIO]:
    """Open a regular file for reading; never waits on a pipe, never touches a device.

    Raises:
        PhotoError: kinds ``missing``, ``unreadable``, ``not-a-file``, ``too-large``, and ``damaged`` if empty.
    """
    try:
        _require_regular(path, Path(path).stat().st_mode)
        # The file may have been exchanged since: open without waiting, and look again.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PhotoError(path, "missing", "there is no such file.") from error
    except (OSError, ValueError) as error:
        raise PhotoError(path, "unreadable", f"the file cannot be opened ({_first_line(error)}).") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        _require_regular(path, status.st_mode)
        if not status.st_size:
            raise PhotoError(path, "damaged", "the file is empty.")
        if status.st_size > max_bytes:
            size, limit = status.st_size / 2**20, max_bytes / 2**20
            raise PhotoError(path, "too-large", f"the file has {size:.1f} MiB; the limit is {limit:.1f} MiB.")
        yield file


@contextmanager
def quiet(complaints: list[str] | None = None) -> Iterator[None]:
    """Keep the warnings of the decoders from being emitted; short sections only.

    The filters of :mod:`warnings` belong to the process, so one thread at a time may exchange them.

    Args:
        complaints: gets their texts.
    """
    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if complaints is not None:
        # Only what is said about the file; a ResourceWarning of someone else's may fall into the same moment.
        complaints.extend(str(w.message).strip()[:200] for w in caught if issubclass(w.category, UserWarning))


def _require_regular(path: str | os.PathLike[str], mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise PhotoError(path, "not-a-file", f"this is {what}, not a regular file.")


def _known_format(path: str | os.PathLike[str], file: BinaryIO) -> Format:
    try:
        found = sniff(file.read(SNIFF_BYTES))
        file.seek(0)
    except OSError as error:
        raise PhotoError(path, "unreadable", f"the file cannot be read ({_first_line(error)}).") from error
    if found is None:
        raise PhotoError(path, "not-a-photo", "the content is no picture of a known format.")
    if found not in READABLE:
        raise PhotoError(path, "unsupported-format", f"{found.value} pictures are not supported; convert it to JPEG.")
    return found


def _plugin(path: str | os.PathLike[str], found: Format) -> Callable[[BinaryIO], ImageFile]:
    plugins: dict[Format, Callable[[BinaryIO], ImageFile]] = {
        Format.JPEG: JpegImageFile,
        Format.PNG: PngImageFile,
        Format.WEBP: WebPImageFile,
        Format.AVIF: AvifImageFile,
        Format.TIFF: TiffImageFile,
    }
    return plugins.get(found) or _heif_plugin(path)


def _heif_plugin(path: str | os.PathLike[str]) -> Callable[[BinaryIO], ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PhotoError(path, "needs-heif", str(MissingExtraError("A HEIC picture", "heif"))) from error
    plugin: Callable[[BinaryIO], ImageFile] = HeifImageFile
    return plugin


def _webp_size(head: bytes) -> tuple[int, int]:
    """Width and height of a WebP picture by its container (RFC 9649); its decoder allocates them when it opens."""
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


def _check_pixels(path: str | os.PathLike[str], size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        message = f"{width} x {height} pixels are {width * height / 1e6:.0f} million; the limit is "
        raise PhotoError(path, "too-large", f"{message}{limits.max_pixels / 1e6:.0f} million.")
    if width < 1 or height < 1:
        raise PhotoError(path, "damaged", f"a picture of {width} x {height} pixels has nothing to see.")


def _first_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = (text.strip().splitlines() or [""])[0][:200].rstrip(".")
    # Some say only a number or a key.
    return line if " " in line else f"{type(error).__name__} {line}".strip()
