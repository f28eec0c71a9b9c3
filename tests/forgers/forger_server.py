"""A local HTTP server of a folder that speaks Range as a bucket does, and fails as networks do."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Site:
    """What a server serves and how badly; may be changed while it runs.

    Attributes:
        root: the folder.
        url: of the server.
        cut_after: bytes of a body after which the connection is closed, while any are left to cut.
        cuts: how many bodies are still to be cut.
        resets: such a connection is reset, not closed.
        chunked: send bodies in chunks, their length unsaid.
        ignores_range: send all, whatever was asked for.
        validators: send ETag and honour If-Range.
        statuses: answered to the next requests instead of their files.
        redirect: where every request is sent instead.
        headers: added to every file.
        requests: path and Range header of each request.
    """

    root: Path
    url: str = ""
    cut_after: int = 0
    cuts: int = 0
    resets: bool = False
    chunked: bool = False
    ignores_range: bool = False
    validators: bool = True
    statuses: list[int] = field(default_factory=list)
    redirect: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def serve(root: Path) -> Iterator[Site]:
    """A server on this machine, ended with the block."""
    site = Site(root)

    class Handler(_Handler):
        served = site

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Site

    def do_GET(self) -> None:
        site = self.served
        wanted = self.headers.get("Range", "")
        site.requests.append((self.path, wanted))
        path = site.root / self.path.lstrip("/")
        if site.redirect:
            self._empty(302, {"Location": site.redirect})
        elif site.statuses:
            self._empty(site.statuses.pop(0))
        elif not path.is_file():
            self._empty(404)
        else:
            self._send(path.read_bytes(), wanted)

    def _send(self, data: bytes, wanted: str) -> None:
        site = self.served
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        found = None if site.ignores_range else re.fullmatch(r"bytes=([0-9]+)-", wanted)
        if site.validators and self.headers.get("If-Range", etag) != etag:
            found = None
        start = int(found.group(1)) if found else 0
        if start >= len(data) > 0 and found:
            self._empty(416, {"Content-Range": f"bytes */{len(data)}"})
            return
        self.send_response(206 if found else 200)
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if found else {}
        headers |= {"ETag": etag} if site.validators else {}
        headers |= {"Transfer-Encoding": "chunked"} if site.chunked else {"Content-Length": str(len(data) - start)}
        for name, value in (headers | site.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._write(data[start:])

    def _write(self, body: bytes) -> None:
        site = self.served
        if site.chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        cut = site.cuts > 0 and len(body) > site.cut_after
        if cut:
            site.cuts -= 1
            body = body[: site.cut_after]
        # Whoever has heard enough hangs up.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)
        if cut and site.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _empty(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
