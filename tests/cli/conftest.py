"""A small town, indexed once, and a way to call the command line."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from periplus.cli import main
from periplus.synth import Town, TownConfig, make_town


@dataclass(frozen=True)
class Done:
    """What a command did: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that standard output must be, checked to be plain JSON."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


Call = Callable[..., Done]


def run_main(*arguments: object) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    assert "Traceback" not in err.getvalue()
    return Done(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def call() -> Call:
    return run_main


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    config = TownConfig(gallery=40, queries=6, strangers=3, size_px=(480, 360), blocks=(2, 1), jobs=1)
    return make_town(tmp_path_factory.mktemp("cli") / "town", config)


@pytest.fixture(scope="session")
def indexed(town: Town) -> Done:
    """What the first indexing said."""
    return run_main("index", town.gallery, "-o", town.root / "town.gallery", "--jobs", 1, "--json")


@pytest.fixture(scope="session")
def gallery(town: Town, indexed: Done) -> Path:
    """The town's gallery; not to be changed."""
    assert indexed.status == 0, indexed.err
    return town.root / "town.gallery"


@pytest.fixture
def copied(gallery: Path, tmp_path: Path) -> Path:
    """A copy of the town's gallery that may be changed."""
    return Path(shutil.copytree(gallery, tmp_path / "copy.gallery"))


@pytest.fixture(scope="session")
def query(town: Town) -> Path:
    return town.queries / "query_00001.jpg"


@pytest.fixture(scope="session")
def forged_png() -> bytes:
    """A PNG of a few bytes whose header promises 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
