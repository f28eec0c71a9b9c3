from __future__ import annotations

import hashlib
import io
import json
import socket
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from forger_gldv2 import ForgedGldv2, forge_gldv2, publish_gldv2
from forger_server import Site, serve
from forger_tar import write_hostile, write_tar

from periplus.errors import CannotRunError, GalleryError, UsageError
from periplus.sources import DATA_SETS, DataSet, Net, RemoteFile, fetch_files, open_source, pending
from periplus.sources.fetch import _Redirects, download
from periplus.sources.fetching import DONE
from periplus.store import Lock

DATA = hashlib.blake2b(b"x").digest() * 50_000  # 3.2 MB: several blocks
MD5 = hashlib.md5(DATA).hexdigest()
LIMIT = 10**7


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "data.bin").write_bytes(DATA)
    (folder / "data.md5").write_text(f"{MD5.upper()}  data.bin\n")
    with serve(folder) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out.bin"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def fetch(site: Site, target: Path, *, md5: str = "", limit_bytes: int = LIMIT, tries: int = 3) -> tuple[str, bool]:
    net = Net(site.url, tries=tries, pause_s=0)
    url = "https://example.org/data.bin"
    return download(url, target, limit_bytes, net, lambda *_: None, f"https://example.org/{md5}" if md5 else "")


def refused(site: Site, target: Path, *, md5: str = "", limit_bytes: int = LIMIT) -> str:
    with pytest.raises(CannotRunError) as caught:
        fetch(site, target, md5=md5, limit_bytes=limit_bytes)
    assert not target.exists()
    return str(caught.value)


def ranges(site: Site, path: str = "/data.bin") -> list[str]:
    return [wanted for asked, wanted in site.requests if asked == path]


def leftovers(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} - {"site", "out.bin"}


def test_a_file(site: Site, target: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    net = Net(f"{site.url}/", pause_s=0)
    digest = download("https://example.org/data.bin", target, LIMIT, net, lambda *one: told.append(one))
    assert digest == (MD5, False)
    assert target.read_bytes() == DATA
    assert leftovers(target) == set()
    assert told[-1] == ("out.bin", len(DATA), len(DATA))
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})


def test_an_md5_is_compared(site: Site, target: Path) -> None:
    assert fetch(site, target, md5="data.md5") == (MD5, True)
    site.requests.clear()
    # A sound file is not fetched again; one that is not is replaced.
    assert fetch(site, target, md5="data.md5") == (MD5, True)
    assert ranges(site) == []
    target.write_bytes(b"damaged")
    assert fetch(site, target, md5="data.md5") == (MD5, True)
    assert target.read_bytes() == DATA
    assert leftovers(target) == set()


def test_a_wrong_md5(site: Site, target: Path) -> None:
    (site.root / "data.md5").write_text("0" * 32 + "  data.bin\n")
    message = refused(site, target, md5="data.md5")
    assert MD5 in message
    assert "0" * 32 in message
    assert ranges(site) == [""]
    assert leftovers(target) == set()
    (site.root / "data.md5").write_text("<html>not here</html>")
    assert "holds no MD5" in refused(site, target, md5="data.md5")
    (site.root / "data.md5").write_text("0" * 100_000)
    assert "at most 65536" in refused(site, target, md5="data.md5")


@pytest.mark.parametrize("validators", [True, False])
@pytest.mark.parametrize("md5", ["", "data.md5"])
def test_a_broken_connection_is_continued(site: Site, target: Path, validators: bool, md5: str) -> None:
    site.cut_after, site.cuts, site.validators = 1_100_000, 2, validators
    digest, verified = fetch(site, target, md5=md5)
    assert (digest, verified) == (MD5, bool(md5))
    assert target.read_bytes() == DATA
    # Without a validator or an MD5, halves of two files could be joined: it begins anew.
    continued = ["", "bytes=1100000-", "bytes=2200000-"]
    assert ranges(site) == (continued if validators or md5 else ["", "", ""])


def test_a_later_run_continues(site: Site, target: Path) -> None:
    site.cut_after, site.cuts = 1_000_000, 1
    with pytest.raises(CannotRunError, match=r"out of reach .*What has come \(1000000 bytes\) is kept"):
        fetch(site, target, tries=1)
    assert leftovers(target) == {"out.bin.part", "out.bin.part.json"}
    assert fetch(site, target) == (MD5, False)
    assert ranges(site) == ["", "bytes=1000000-"]
    assert leftovers(target) == set()


def test_a_file_that_changed_between_begins_anew(site: Site, target: Path) -> None:
    site.cut_after, site.cuts = 1_000_000, 1
    with pytest.raises(CannotRunError):
        fetch(site, target, tries=1)
    changed = DATA[::-1]
    (site.root / "data.bin").write_bytes(changed)
    assert fetch(site, target) == (hashlib.md5(changed).hexdigest(), False)
    assert target.read_bytes() == changed


def test_a_part_of_another_address_is_not_continued(site: Site, target: Path) -> None:
    part = target.with_name("out.bin.part")
    part.write_bytes(b"foreign")
    for note in ("", "[]", '{"url": 3}', json.dumps({"url": "https://other.org/data.bin", "validator": '"x"'})):
        part.with_name("out.bin.part.json").write_text(note)
        assert fetch(site, target) == (MD5, False)
        assert ranges(site)[-1] == ""
        part.write_bytes(b"foreign")


def test_a_part_that_lies_is_fetched_again(site: Site, target: Path) -> None:
    # It says to be the beginning of this file, but its bytes are others: only the MD5 can tell.
    site.validators = False
    target.with_name("out.bin.part").write_bytes(bytes(1000))
    note = json.dumps({"url": f"{site.url}/data.bin", "validator": ""})
    target.with_name("out.bin.part.json").write_text(note)
    assert fetch(site, target, md5="data.md5") == (MD5, True)
    assert ranges(site) == ["bytes=1000-", ""]


def test_a_server_that_ignores_range(site: Site, target: Path) -> None:
    site.cut_after, site.cuts, site.ignores_range = 1_000_000, 1, True
    assert fetch(site, target) == (MD5, False)
    assert target.read_bytes() == DATA
    assert ranges(site) == ["", "bytes=1000000-"]


@pytest.mark.parametrize("extra", [0, 7])
def test_a_part_that_is_whole_or_too_long(site: Site, target: Path, extra: int) -> None:
    etag = f'"{MD5}"'
    target.with_name("out.bin.part").write_bytes(DATA + bytes(extra))
    target.with_name("out.bin.part.json").write_text(json.dumps({"url": f"{site.url}/data.bin", "validator": etag}))
    assert fetch(site, target) == (MD5, False)
    assert target.read_bytes() == DATA
    assert ranges(site) == [f"bytes={len(DATA) + extra}-"] + ([""] if extra else [])


def test_another_part_than_was_asked_for(site: Site, target: Path) -> None:
    site.cut_after, site.cuts = 1_000_000, 1
    site.headers = {"Content-Range": "bytes 5-9/10"}
    assert fetch(site, target) == (MD5, False)
    assert target.read_bytes() == DATA
    assert ranges(site) == ["", "bytes=1000000-", ""]


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_every_way_to_break_off(site: Site, target: Path, resets: bool, chunked: bool) -> None:
    site.cut_after, site.cuts, site.resets, site.chunked = 1_500_000, 2, resets, chunked
    assert fetch(site, target) == (MD5, False)
    assert target.read_bytes() == DATA
    assert len(ranges(site)) == 3


def test_it_does_not_go_on_for_ever(site: Site, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("periplus.sources.fetch._MAX_ATTEMPTS", 2)
    site.cut_after, site.cuts = 10, 1000
    assert "breaks again and again" in refused(site, target)
    with pytest.raises(CannotRunError, match="neither https nor http"):
        download("ftp://example.org/x", target, LIMIT, Net(), lambda *_: None)


def test_statuses(site: Site, target: Path) -> None:
    site.statuses = [503, 429]
    assert fetch(site, target) == (MD5, False)
    target.unlink()
    site.statuses = [500, 502, 503]
    assert "out of reach (HTTP 503 Service Unavailable)" in refused(site, target)
    site.requests.clear()
    site.statuses = [403]
    assert "HTTP 403 Forbidden. It may have moved: look for a mirror" in refused(site, target)
    assert len(site.requests) == 1
    (site.root / "data.bin").unlink()
    assert "HTTP 404 Not Found" in refused(site, target)


def test_sizes_are_bounded(site: Site, target: Path) -> None:
    assert f"has {len(DATA)} bytes, where at most 1000000" in refused(site, target, limit_bytes=10**6)
    assert leftovers(target) == set()
    # A server that does not say how much it sends may send for ever.
    site.headers = {"Content-Length": "x"}
    assert "does not end" in refused(site, target, limit_bytes=10**6)
    assert leftovers(target) == set()
    assert fetch(site, target) == (MD5, False)


def test_what_was_not_asked_for(site: Site, target: Path) -> None:
    site.headers = {"Content-Encoding": "gzip"}
    assert "comes as 'gzip'" in refused(site, target)
    site.headers = {}
    for leads in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x"):
        site.redirect = leads
        refused(site, target)
    site.redirect = f"{site.url}/data.bin"
    assert "out of reach" in refused(site, target) or "HTTP 302" in refused(site, target)


def test_https_does_not_lead_to_http() -> None:
    request, body = urllib.request.Request("https://example.org/x"), io.BytesIO()
    with pytest.raises(CannotRunError, match="not as safe"):
        _Redirects().redirect_request(request, body, 302, "Found", Message(), "http://example.org/x")
    assert body.closed
    followed = _Redirects().redirect_request(request, io.BytesIO(), 302, "Found", Message(), "https://b.org/x")
    assert followed is not None
    assert followed.full_url == "https://b.org/x"


def test_offline(tmp_path: Path, target: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotRunError, match=r"127\.0\.0\.1:\d+ is out of reach \(Connection refused\)"):
            fetch(Site(tmp_path, url), target)
    assert leftovers(target) == set()


def test_where_nothing_can_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotRunError, match="Cannot write"):
        fetch(site, tmp_path / "gone" / "out.bin")


@pytest.mark.parametrize("url", ["example.org", "file:///etc", "ftp://example.org", "https://", "//x"])
def test_a_mirror_is_an_address(url: str) -> None:
    with pytest.raises(UsageError, match="no address of a mirror"):
        Net(url)


def test_addresses() -> None:
    assert Net().address("https://a.org/x/y.tar") == "https://a.org/x/y.tar"
    assert Net("https://m.org/sub/").address("https://a.org/x/y.tar") == "https://m.org/sub/x/y.tar"


# Whole data sets


def small(*names: str, unpack: str | None = None, flat: bool = False) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(name, f"https://example.org/{name}", 1000, unpack=unpack, flat=flat) for name in names)


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[ForgedGldv2, Site]]:
    forged = forge_gldv2(tmp_path / "original")
    (tmp_path / "bucket").mkdir()
    publish_gldv2(forged, tmp_path / "bucket")
    with serve(tmp_path / "bucket") as running:
        yield forged, running


def test_gldv2_from_its_bucket_to_a_catalog(published: tuple[ForgedGldv2, Site], tmp_path: Path) -> None:
    forged, site = published
    chosen = DATA_SETS["gldv2"].select(["csv", "train:0", "index:0", "test:0-0"])
    folder = tmp_path / "deep" / "gldv2"
    assert pending(chosen, folder) == chosen
    fetched, skipped = fetch_files(chosen, folder, Net(site.url, pause_s=0))
    assert (len(fetched), skipped) == (15, ())
    assert [one.unpacked for one in fetched] == [None] * 12 + [6, 5, 4]
    assert [one.verified for one in fetched] == [False] * 12 + [True] * 3
    assert all(one.fresh and len(one.md5) == 32 for one in fetched)
    assert not (folder / "downloads").exists()
    original, copy = open_source(f"gldv2:{forged.root}"), open_source(f"gldv2:{folder}")
    assert copy.catalog.table.drop_columns("path").equals(original.catalog.table.drop_columns("path"))
    assert copy.skipped == ()
    # Once more: nothing is asked of the server.
    site.requests.clear()
    again, _ = fetch_files(chosen, folder, Net(site.url, pause_s=0))
    assert site.requests == []
    assert [(one.path, one.md5, one.fresh) for one in again] == [(one.path, one.md5, False) for one in fetched]


def test_a_stopped_fetch_goes_on(published: tuple[ForgedGldv2, Site], tmp_path: Path) -> None:
    _, site = published
    chosen = DATA_SETS["gldv2"].select(["csv", "test:0"])
    (site.root / "google-landmark/test/images_000.tar").rename(site.root / "away")
    with pytest.raises(CannotRunError, match=r"images_000\.tar cannot be fetched: HTTP 404"):
        fetch_files(chosen, tmp_path / "out", Net(site.url, pause_s=0))
    assert [file.path for file in pending(chosen, tmp_path / "out")] == ["downloads/test/images_000.tar"]
    (site.root / "away").rename(site.root / "google-landmark/test/images_000.tar")
    site.requests.clear()
    fetched, _ = fetch_files(chosen, tmp_path / "out", Net(site.url, pause_s=0))
    assert [path for path, _ in site.requests] == [
        "/google-landmark/md5sum/test/md5.images_000.txt",
        "/google-landmark/test/images_000.tar",
    ]
    assert [one.fresh for one in fetched] == [False] * 12 + [True]
    # A file that was shortened or removed is fetched again.
    (tmp_path / "out/metadata/test.csv").write_text("id\n")
    assert [file.path for file in pending(chosen, tmp_path / "out")] == ["metadata/test.csv"]


def test_stopped_before_it_is_written_down(
    published: tuple[ForgedGldv2, Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, site = published
    chosen = DATA_SETS["gldv2"].select(["test:0"])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("periplus.sources.fetching.write_json_atomic", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch_files(chosen, tmp_path / "out", Net(site.url, pause_s=0))
    site.requests.clear()
    fetched, _ = fetch_files(chosen, tmp_path / "out", Net(site.url, pause_s=0))
    # The archive is still there, and its MD5 is the published one.
    assert [path for path, _ in site.requests] == ["/google-landmark/md5sum/test/md5.images_000.txt"]
    assert fetched[0].unpacked == 4
    assert not (tmp_path / "out/downloads").exists()


def test_an_archive_that_is_not_what_it_should_be(site: Site, tmp_path: Path) -> None:
    folder, net = tmp_path / "out", Net(site.url, pause_s=0)
    (file,) = small("x.tar", unpack="jpg")
    (site.root / "x.tar").write_bytes(b"<html>moved</html>")
    with pytest.raises(CannotRunError, match=r"x\.tar is damaged"):
        fetch_files((file,), folder, net)
    write_tar(site.root / "x.tar", {"readme.txt": b"x"})
    with pytest.raises(CannotRunError, match="holds no file ending in"):
        fetch_files((file,), folder, net)
    bad = write_hostile(site.root / "x.tar")
    fetched, skipped = fetch_files((file,), folder, net)
    assert fetched[0].unpacked == 3
    assert [skip.path for skip in skipped] == [f"x.tar: {name}"[:207] for name in bad]
    assert {path.name for path in folder.iterdir()} == {"jpg", DONE, ".periplus-data.lock"}
    assert not any(path.is_symlink() for path in folder.rglob("*"))


def test_no_room(site: Site, tmp_path: Path) -> None:
    huge = RemoteFile("x", "https://example.org/x", 10**18)
    with pytest.raises(CannotRunError, match=r"About 1000000000\.0 GB are needed"):
        fetch_files((huge,), tmp_path / "out", Net(site.url))
    assert site.requests == []


def test_one_at_a_time(site: Site, tmp_path: Path) -> None:
    lock = Lock(tmp_path / ".periplus-data.lock", "x")
    try:
        with pytest.raises(GalleryError, match="being written by another process"):
            fetch_files(small("data.bin"), tmp_path, Net(site.url))
    finally:
        lock.release()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2, "files": {}}', '{"format": 1, "files": [3]}', "[" * 100_000]
)
def test_a_damaged_list_of_what_is_done(tmp_path: Path, text: str) -> None:
    (tmp_path / DONE).write_text(text)
    with pytest.raises(CannotRunError, match=rf"{DONE} is damaged .*Delete it"):
        pending(small("data.bin"), tmp_path)


def test_a_list_that_lies(site: Site, tmp_path: Path) -> None:
    entry = {"bytes": "many", "md5": 3, "verified": "yes", "unpacked": "all"}
    (tmp_path / DONE).write_text(json.dumps({"format": 1, "files": {"data.bin": entry}}))
    assert len(pending(small("data.bin"), tmp_path)) == 1
    fetched, _ = fetch_files(small("data.bin"), tmp_path, Net(site.url))
    assert (fetched[0].md5, fetched[0].fresh) == (MD5, True)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file"):
        pending(small("x"), tmp_path / "out")
    with pytest.raises(CannotRunError, match="Cannot write"):
        fetch_files(small("x"), tmp_path / "out", Net())


# The list of data sets


@pytest.mark.parametrize("one", DATA_SETS.values(), ids=DATA_SETS)
def test_data_sets_are_well_formed(one: DataSet) -> None:
    files = one.select(["all"])
    assert len({file.path for file in files}) == len(files)
    assert one.terms
    for file in files:
        assert file.url.startswith("https://") or one.name == "revisitop1m"
        assert not Path(file.path).is_absolute()
        assert ".." not in file.path
        assert 0 < file.size_bytes < file.limit_bytes
        assert (file.unpack is None) == (not file.path.startswith("downloads/"))


def test_the_addresses_of_gldv2() -> None:
    chosen = DATA_SETS["gldv2"]
    assert {part: len(files) for part, files in chosen.parts.items()} == {
        "csv": 12,
        "test": 20,
        "index": 100,
        "train": 500,
    }
    (last,) = chosen.select(["train:499"])
    assert last.url == "https://s3.amazonaws.com/google-landmark/train/images_499.tar"
    assert last.md5_url == "https://s3.amazonaws.com/google-landmark/md5sum/train/md5.images_499.txt"
    urls = [file.url for file in chosen.select(["csv"])]
    assert urls[0] == "https://s3.amazonaws.com/google-landmark/metadata/train.csv"
    assert urls[-1] == "https://s3.amazonaws.com/google-landmark/ground_truth/retrieval_solution_v2.1.csv"


def test_parts_are_chosen() -> None:
    large, small_one = DATA_SETS["gldv2"], DATA_SETS["roxford5k"]
    assert [file.path for file in large.select(["index:3-4", "index:4-5"])] == [
        f"downloads/index/images_{number:03d}.tar" for number in (3, 4, 5)
    ]
    assert small_one.select([]) == small_one.select(["all"]) == small_one.select(["truth", "images"])
    with pytest.raises(UsageError, match="say which parts with --part: csv, test, index, train"):
        large.select([])
    for wrong in ("val", "train:", "train:500", "train:5-3", "train:-1", "train:a-b", "train:99999", ":3"):
        with pytest.raises(UsageError, match="part"):
            large.select([wrong])
