"""Fetching one file over HTTP: resumed where it stopped, bounded, verified, and whole or not there.

A file in the making is ``NAME.part``; ``NAME.part.json`` says where it comes from, so that it is only continued while
the server still has the same one (``If-Range``, RFC 9110 section 13.1.5). Only ``http`` and ``https`` are spoken, and
no redirection leads from https to http.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from periplus.errors import CannotRunError, UsageError
from periplus.store import sync_file, sync_folder, write_json_atomic, writing

Tell = Callable[[str, int, "int | None"], None]
"""Told the file, how many of its bytes are there, and how many it has (None where nobody knows)."""

_BLOCK_BYTES = 1 << 20
_MAX_MD5_BYTES = 1 << 16
_MAX_ATTEMPTS = 1000
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True)
class Net:
    """How the network is used.

    Attributes:
        base_url: of a mirror; the path of each file's address is looked for below it.
        tries: in a row without a byte of progress, until it is given up.
        pause_s: before the second try; each further pause is twice as long.
        timeout_s: without a byte.

    Raises:
        UsageError: the mirror is no http or https address.
    """

    base_url: str = ""
    tries: int = 4
    pause_s: float = 1.0
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        """Check the mirror's address."""
        parts = urlsplit(self.base_url)
        if self.base_url and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise UsageError(f"{self.base_url!r} is no address of a mirror; it begins with https:// or http://.")

    def address(self, url: str) -> str:
        """Where a file is really fetched from."""
        return self.base_url.rstrip("/") + urlsplit(url).path if self.base_url else url


class _BrokenError(Exception):
    """The connection broke; trying again may help."""


def download(url: str, target: Path, limit_bytes: int, net: Net, tell: Tell, md5_url: str = "") -> tuple[str, bool]:
    """Fetch a file, unless a sound one is there.

    Args:
        url: its published address, https or http.
        target: where it goes; its folder exists.
        limit_bytes: it must not be larger.
        net: how.
        tell: told of the progress.
        md5_url: of a file that begins with its MD5; empty where none is published.

    Returns:
        The file's MD5, and whether that was compared with a published one.

    Raises:
        CannotRunError: out of reach, not there, too large, not what the MD5 says, or not to be written. What has come
            is kept and continued next time.
    """
    known = _published_md5(md5_url, target, net) if md5_url else ""
    if known and target.is_file() and _md5(target) == known:
        return known, True
    part = target.with_name(f"{target.name}.part")
    digest = ""
    # What was continued may be two halves of different files: that is tried once more from its beginning.
    for _ in range(2):
        continued = part.exists()
        _complete(net.address(url), part, limit_bytes, net, tell, bool(known))
        digest = _md5(part)
        if known in ("", digest):
            _commit(part, target)
            return digest, bool(known)
        _forget(part)
        if not continued:
            break
    raise CannotRunError(f"{net.address(url)} arrived damaged: its MD5 is {digest}, published is {known}. Try later.")


def _published_md5(url: str, target: Path, net: Net) -> str:
    part = target.with_name(f"{target.name}.md5")
    _complete(net.address(url), part, _MAX_MD5_BYTES, net, lambda *_: None, known=False)
    text = part.read_text(encoding="ascii", errors="replace")
    _forget(part)
    found = _MD5.match(text.strip())
    if not found:
        raise CannotRunError(f"{net.address(url)} holds no MD5; it begins with {text[:40]!r}.")
    return found.group().lower()


def _complete(url: str, part: Path, limit_bytes: int, net: Net, tell: Tell, known: bool) -> None:
    """Receive until all is there; every byte of progress earns new tries."""
    failures = 0
    for _ in range(_MAX_ATTEMPTS):
        before = _size(part)
        try:
            _receive(url, part, limit_bytes, net, tell, known)
            return
        except _BrokenError as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= net.tries:
                raise CannotRunError(_out_of_reach(url, str(error), _size(part))) from error
            time.sleep(net.pause_s * 2 ** (failures - 1))
    raise CannotRunError(_out_of_reach(url, "the connection breaks again and again", _size(part)))


def _receive(url: str, part: Path, limit_bytes: int, net: Net, tell: Tell, known: bool) -> None:
    """One request, for what is missing or for all."""
    origin = _origin(part, url)
    # Without the server's word or an MD5 nobody could tell whether the halves belong together.
    offset = _size(part) if origin is not None and (origin or known) else 0
    try:
        response = _open(url, offset, origin or "", net.timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and offset:
                if _total(error.headers) == offset:
                    return
                _forget(part)
                raise _BrokenError("the file has changed") from error
            if error.code in _AGAIN:
                raise _BrokenError(f"HTTP {error.code} {error.reason}") from error
        advice = "It may have moved: look for a mirror and name it with --base-url."
        raise CannotRunError(f"{url} cannot be fetched: HTTP {error.code} {error.reason}. {advice}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(_reason(error)) from error
    with response, writing(part):
        _store(response, url, part, offset, limit_bytes, tell)


def _store(response: Any, url: str, part: Path, offset: int, limit_bytes: int, tell: Tell) -> None:
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        raise CannotRunError(f"{url} comes as {headers['Content-Encoding']!r}, which was not asked for.")
    start = offset if response.status == 206 and _start(headers) == offset else 0
    if response.status == 206 and start != offset:
        _forget(part)
        raise _BrokenError("the server sent another part than was asked for")
    length = headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() and len(length) < 16 else None
    if total is not None and total > limit_bytes:
        raise CannotRunError(
            f"{url} has {total} bytes, where at most {limit_bytes} were expected. Nothing was fetched."
        )
    etag = headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    with part.open("r+b" if start else "wb") as file:
        write_json_atomic(_note(part), {"url": url, "validator": validator})
        file.seek(start)
        done = _copy(
            response, file, start, limit_bytes, lambda count: tell(part.name.removesuffix(".part"), count, total)
        )
    if done > limit_bytes:
        _forget(part)
        raise CannotRunError(f"{url} does not end: it has more than the {limit_bytes} bytes that were expected.")
    if total is not None and done < total:
        raise _BrokenError(f"it broke off after {done} of {total} bytes")


def _copy(response: Any, file: IO[bytes], done: int, limit_bytes: int, tell: Callable[[int], None]) -> int:
    while done <= limit_bytes:
        try:
            block = response.read(_BLOCK_BYTES)
        except http.client.IncompleteRead as error:
            file.write(error.partial)
            raise _BrokenError("it broke off") from error
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(_reason(error)) from error
        if not block:
            break
        file.write(block)
        done += len(block)
        tell(done)
    return done


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but none to less than what was asked for."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("https", req.type):
            fp.close()
            raise CannotRunError(f"{req.full_url} leads to {newurl[:200]!r}, which is not as safe. Look for a mirror.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _open(url: str, offset: int, validator: str, timeout_s: float) -> Any:
    if urlsplit(url).scheme not in ("http", "https"):
        raise CannotRunError(f"{url} is neither https nor http.")
    headers = {"User-Agent": "periplus", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        headers |= {"If-Range": validator} if validator else {}
    # Not build_opener: that one reads file: and ftp: too.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_s)  # noqa: S310 - checked above


def _start(headers: Message) -> int | None:
    found = re.match(r"bytes ([0-9]{1,15})-", headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None


def _total(headers: Message) -> int | None:
    found = re.fullmatch(r"bytes \*/([0-9]{1,15})", headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _origin(part: Path, url: str) -> str | None:
    """The validator under which a part was begun from this address; None where it was not."""
    try:
        note = json.loads(_note(part).read_bytes()[:_MAX_MD5_BYTES])
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(note, dict) or note.get("url") != url:
        return None
    validator = note.get("validator")
    return validator if isinstance(validator, str) and validator.isprintable() else ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _forget(part: Path) -> None:
    for path in (part, _note(part)):
        path.unlink(missing_ok=True)


def _commit(part: Path, target: Path) -> None:
    with writing(target):
        sync_file(part)
        os.replace(part, target)  # noqa: PTH105 - the one instruction that commits
        sync_folder(target.parent)
        _note(part).unlink(missing_ok=True)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def _out_of_reach(url: str, reason: str, kept: int) -> str:
    what = f" What has come ({kept} bytes) is kept; run the same command to go on." if kept else ""
    host = urlsplit(url).netloc
    return f"{host} is out of reach ({reason}): {url}. Check the connection, or name a mirror with --base-url.{what}"
