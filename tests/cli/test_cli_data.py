"""``periplus data``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forger_buildings import GALLERY, QUERIES, forge_revisited
from forger_gldv2 import ForgedGldv2, forge_gldv2, publish_gldv2
from forger_server import Site, serve
from forger_tar import write_hostile, write_tar

from periplus.sources import DATA_SETS


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Revisited Oxford as it is published."""
    forged = forge_revisited(tmp_path / "original")
    root = tmp_path / "site"
    truth = root / "revisitop/data/datasets/roxford5k/gnd_roxford5k.pkl"
    truth.parent.mkdir(parents=True)
    truth.write_bytes((forged.folder / truth.name).read_bytes())
    pictures = {f"x/{path.name}": path.read_bytes() for path in (forged.folder / "jpg").iterdir()}
    write_tar(root / "~vgg/data/oxbuildings/oxbuild_images-v1.tgz", pictures, "w:gz")
    with serve(root) as running:
        yield running


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real data sets are larger than the disk that tests run on may be."""
    monkeypatch.setattr("periplus.sources.fetching._check_room", lambda *_: None)


def test_the_list(call: Any) -> None:
    done = call("data")
    assert done.status == 0
    assert "Nothing is fetched" in done.err
    assert [line.split()[0] for line in done.out.splitlines()] == list(DATA_SETS)
    told = call("data", "--json").document["data_sets"]
    assert [one["name"] for one in told] == list(DATA_SETS)
    assert told[0]["parts"][-1] == {"part": "train", "files": 500, "bytes_about": 500 * 10**9}


def test_what_would_be_fetched(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("data", "gldv2")
    assert done.status == 0
    assert "--part train    500 files, about 500.0 GB" in done.out
    assert "CC BY" in done.out
    assert "Nothing was fetched: name a folder with -o" in done.err
    listed = call("data", "gldv2", "--list", "--part", "test:0-1", "--base-url", "https://mirror.org/m/")
    assert "https://mirror.org/m/google-landmark/test/images_001.tar" in listed.out
    told = call("data", "roxford5k", "--json").document
    assert list(told) == ["name", "title", "terms", "parts", "bytes_about", "files"]
    assert list(told["files"][0]) == ["path", "url", "bytes_about", "missing"]
    assert told["files"][0]["url"] == "https://cmp.felk.cvut.cz/revisitop/data/datasets/roxford5k/gnd_roxford5k.pkl"
    assert told["bytes_about"] == sum(one["bytes_about"] for one in told["files"])
    # --list with a folder fetches nothing either, and makes nothing.
    assert call("data", "roxford5k", "--list", "-o", tmp_path / "out").status == 0
    assert list(tmp_path.iterdir()) == []


def test_fetching_and_reading(call: Any, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "roxford5k"
    done = call("data", "roxford5k", "-o", folder, "--base-url", site.url)
    assert done.status == 0
    assert "Fetching 2 files, about 1.9 GB of Revisited Oxford" in done.err
    assert "not to be passed on" in done.err
    assert "2 files fetched" in done.out
    assert "7 files unpacked." in done.out
    assert f"Read it as roxford5k:{folder}" in done.out
    assert {path.name for path in (folder / "jpg").iterdir()} == {f"{name}.jpg" for name in (*QUERIES, *GALLERY)}
    site.requests.clear()
    again = call("data", "roxford5k", "-o", folder, "--base-url", site.url)
    assert (again.status, again.err, site.requests) == (0, "", [])
    assert "0 files fetched (0.0 kB), 2 there already" in again.out
    listed = call("data", "roxford5k", "-o", folder, "--list")
    assert listed.out.count("(there)") == 2
    assert "To fetch: 0 files" in listed.out
    (folder / "jpg").rename(tmp_path / "elsewhere")
    (folder / "jpg").symlink_to(tmp_path / "elsewhere")
    assert call("data", "roxford5k", "-o", folder, "--list", "--json").document["bytes_about"] == 0


def test_a_terminal_sees_a_bar(call: Any, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = call("data", "roxford5k", "-o", tmp_path / "out", "--base-url", site.url)
    assert done.status == 0
    assert "unpacking oxbuild_images-v1.tgz" in done.err
    assert "\x1b" not in done.out


def test_the_document(call: Any, tmp_path: Path) -> None:
    forged: ForgedGldv2 = forge_gldv2(tmp_path / "original")
    (tmp_path / "bucket").mkdir()
    publish_gldv2(forged, tmp_path / "bucket")
    with serve(tmp_path / "bucket") as site:
        arguments = ["data", "gldv2", "-o", tmp_path / "out", "--base-url", site.url, "--json"]
        told = call(*arguments, "--part", "test:0", "--part", "csv").document
        assert list(told) == ["name", "folder", "terms", "bytes_fetched", "files", "skipped"]
        archive = tmp_path / "bucket/google-landmark/test/images_000.tar"
        assert told["files"][0] == {
            "path": "downloads/test/images_000.tar",
            "url": f"{site.url}/google-landmark/test/images_000.tar",
            "bytes": archive.stat().st_size,
            "md5": hashlib.md5(archive.read_bytes()).hexdigest(),
            "verified": True,
            "unpacked": 4,
            "fetched": True,
        }
        assert told["bytes_fetched"] == sum(one["bytes"] for one in told["files"])
        assert (told["files"][1]["unpacked"], told["files"][1]["verified"]) == (None, False)
        archive.write_bytes(archive.read_bytes() + bytes(512))
        done = call(*arguments, "--part", "train:0", "--part", "test:0")
        assert [one["fetched"] for one in done.document["files"]] == [True, False]
        damaged = call("data", "gldv2", "-o", tmp_path / "new", "--part", "test:0", "--base-url", site.url)
        assert (damaged.status, damaged.out) == (3, "")
        assert "arrived damaged: its MD5 is" in damaged.err


def test_members_that_are_passed_over(call: Any, site: Site, tmp_path: Path) -> None:
    archive = site.root / "~vgg/data/oxbuildings/oxbuild_images-v1.tgz"
    write_hostile(archive)
    done = call("data", "roxford5k", "-o", tmp_path / "out", "--part", "images", "--base-url", site.url)
    assert done.status == 1
    assert "Skipped downloads/oxbuild_images-v1.tgz: a/\\x1b[2Jx.jpg (bad-name)" in done.err
    assert "13 members skipped" in done.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["gldv3"], 2, "There is no data set 'gldv3'. Did you mean gldv2?"),
        (["x\x1b[2J"], 2, "'x\\x1b[2J'"),
        (["-o", "out"], 2, "Say which data set"),
        (["--part", "csv"], 2, "Say which data set"),
        (["gldv2", "-o", "out"], 2, "say which parts with --part: csv, test, index, train"),
        (["gldv2", "-o", "out", "--part", "val"], 2, "has no part 'val'"),
        (["gldv2", "-o", "out", "--part", "test:20"], 2, "has files 0 to 19"),
        (["roxford5k", "-o", "out", "--base-url", "file:///tmp"], 2, "no address of a mirror"),
        (["roxford5k", "-o", "file/x", "--base-url", "http://127.0.0.1:1"], 3, "Cannot write"),
        (["roxford5k", "-o", "file", "--base-url", "http://127.0.0.1:1"], 2, "is a file"),
        (["roxford5k", "-o", "out", "--base-url", "SITE/gone"], 3, "HTTP 404"),
    ],
)
def test_what_cannot_be(
    call: Any, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    done = call("data", *[text.replace("SITE", site.url) for text in arguments])
    assert (done.status, done.out) == (status, "")
    assert said in done.err


def test_offline(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("periplus.sources.fetch.time.sleep", lambda _: None)
    done = call("data", "roxford5k", "-o", tmp_path / "out", "--base-url", "http://127.0.0.1:1")
    assert (done.status, done.out) == (3, "")
    assert "127.0.0.1:1 is out of reach (Connection refused)" in done.err
    assert "name a mirror with --base-url" in done.err


def test_stopped(call: Any, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("periplus.sources.fetching.unpack", stop)
        stopped = call("data", "roxford5k", "-o", tmp_path / "out", "--base-url", site.url)
    assert stopped.status == 130
    assert "What was done is kept" in stopped.err
    # The archive is there, and unpacked without being fetched again.
    site.requests.clear()
    done = call("data", "roxford5k", "-o", tmp_path / "out", "--base-url", site.url, "--json")
    assert site.requests == []
    assert [one["fetched"] for one in done.document["files"]] == [False, True]
