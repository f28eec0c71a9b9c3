from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest
from forger_tar import add, header, write_hostile, write_tar

from periplus.errors import CannotRunError
from periplus.sources.unpack import Unpacked, unpack

MB = 10**6


def run(archive: Path, folder: Path, flat: bool = False, limit_bytes: int = MB) -> Unpacked:
    return unpack(archive, folder, suffixes=(".jpg", ".txt"), flat=flat, limit_bytes=limit_bytes)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, folder: Path, limit_bytes: int = MB) -> str:
    with pytest.raises(CannotRunError) as caught:
        run(archive, folder, limit_bytes=limit_bytes)
    return str(caught.value)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("flat", [False, True])
def test_sound_archives(tmp_path: Path, mode: str, flat: bool) -> None:
    packed = {"0/1/a.jpg": b"aa", "./0/2/B.JPG": b"b" * 70_000, "readme.pdf": b"x", "0/.hidden.jpg": b"x", "c.txt": b""}
    write_tar(tmp_path / "x.tar", packed, mode)
    told: list[int] = []
    done = unpack(
        tmp_path / "x.tar", tmp_path / "out", suffixes={".jpg", ".txt"}, flat=flat, limit_bytes=MB, tell=told.append
    )
    names = ("a.jpg", "B.JPG", "c.txt") if flat else ("0/1/a.jpg", "0/2/B.JPG", "c.txt")
    assert files(tmp_path / "out") == dict(zip(names, (b"aa", b"b" * 70_000, b""), strict=True))
    assert (done.files, done.size_bytes, done.skipped) == (3, 70_002, [])
    assert told == [2, 70_002, 70_002, 70_002, 70_002]


def test_unpacking_again_replaces(tmp_path: Path) -> None:
    write_tar(tmp_path / "x.tar", {"a.jpg": b"new"})
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").write_bytes(b"old and longer")
    (out / ".a.jpg.part").write_bytes(b"left over")
    (out / "mine.jpg").symlink_to(tmp_path / "x.tar")
    run(tmp_path / "x.tar", out)
    assert files(out)["a.jpg"] == b"new"
    assert not (out / ".a.jpg.part").exists()


@pytest.mark.parametrize("flat", [False, True])
def test_nothing_gets_out(tmp_path: Path, flat: bool) -> None:
    out = tmp_path / "deep" / "out"
    bad = write_hostile(tmp_path / "x.tar")
    done = run(tmp_path / "x.tar", out, flat)
    assert not any(path.is_symlink() for path in out.rglob("*"))
    names = {"good.jpg", "good2.jpg", "through.jpg"} if flat else {"a/good.jpg", "b/good2.jpg", "out/through.jpg"}
    assert set(files(out)) == names
    assert {path.name for path in tmp_path.iterdir()} == {"x.tar", "deep"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert not Path("/tmp/absolute.jpg").exists()
    assert [skip.path for skip in done.skipped] == [name[:200] for name in bad]
    assert [skip.kind for skip in done.skipped] == [
        *["outside"] * 3,
        *["link"] * 3,
        *["not-a-file"] * 2,
        *["bad-name"] * 3,
        "outside",
        "bad-name",
    ]


def test_a_link_that_is_there_already_is_replaced_not_followed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (out / "a.jpg").symlink_to(tmp_path / "secret")
    write_tar(tmp_path / "x.tar", {"a.jpg": b"new"})
    run(tmp_path / "x.tar", out)
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert (out / "a.jpg").read_bytes() == b"new"


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "x.tar"
    write_tar(archive, {"a.jpg": bytes(60), "b.jpg": bytes(60)})
    assert run(archive, tmp_path / "fits", limit_bytes=120).files == 2
    assert "'b.jpg' of 60 bytes is more" in refused(archive, tmp_path / "tight", 119)
    assert list(files(tmp_path / "tight")) == ["a.jpg"]
    # What is not wanted counts too: passing over it is reading it.
    write_tar(archive, {"a.pdf": bytes(200)})
    assert "'a.pdf' of 200 bytes" in refused(archive, tmp_path / "out", 100)
    bomb = gzip.compress(header("a.jpg", 1 << 40))
    archive.write_bytes(bomb)
    assert f"of {1 << 40} bytes" in refused(archive, tmp_path / "out", 1 << 50)
    monkeypatch.setattr("periplus.sources.unpack._MAX_MEMBERS", 2)
    write_tar(archive, {f"{i}.jpg": b"" for i in range(3)})
    assert "more than 2 members" in refused(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_extended_headers_are_bounded(tmp_path: Path, kind: bytes) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(gzip.compress(header("x", 1 << 30, kind) + bytes(1 << 20)))
    assert f"a header announces {1 << 30} bytes" in refused(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.DIRTYPE])
def test_negative_sizes_do_not_turn_in_circles(tmp_path: Path, kind: bytes) -> None:
    archive = tmp_path / "x.tar"
    archive.write_bytes(header("a.jpg", 0) + header("x", -1024, kind) + bytes(2048))
    assert "announces -1024 bytes" in refused(archive, tmp_path / "out")


def test_a_negative_size_in_an_extended_header(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    record = b"14 size=-2048\n"
    archive.write_bytes(
        header("pax", len(record), tarfile.XHDTYPE) + record.ljust(512, b"\0") + header("a.jpg", 0) + bytes(2048)
    )
    assert "of -2048 bytes" in refused(archive, tmp_path / "out")


def test_sparse_files_are_passed_over(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    archive.write_bytes(header("a.jpg", 0, tarfile.GNUTYPE_SPARSE) + bytes(1024))
    done = run(archive, tmp_path / "out")
    assert (done.files, [skip.kind for skip in done.skipped]) == (0, ["not-a-file"])


@pytest.mark.parametrize(
    "data",
    [b"", b"hello" * 300, gzip.compress(b"hello" * 300), b"\x1f\x8b\x08broken", b"BZh9" + bytes(99)],
    ids=["empty", "text", "no-tar-inside", "broken-gzip", "broken-bzip2"],
)
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    assert "damaged" in refused(tmp_path / "x.tar", tmp_path / "out")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_cut_archives(tmp_path: Path, mode: str) -> None:
    archive = tmp_path / "x.tar"
    write_tar(archive, {"a.jpg": os.urandom(30_000), "b.jpg": os.urandom(30_000)}, mode)
    archive.write_bytes(archive.read_bytes()[:40_000])
    assert "damaged" in refused(archive, tmp_path / "out")
    # What is there is whole.
    assert set(files(tmp_path / "out")) <= {"a.jpg"}


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    write_tar(tmp_path / "x.tar", {"a.jpg": b"x"})
    (tmp_path / "out").write_bytes(b"a file")
    assert "Cannot write" in refused(tmp_path / "x.tar", tmp_path / "out")
    (tmp_path / "out2/a.jpg").mkdir(parents=True)
    assert "Cannot write" in refused(tmp_path / "x.tar", tmp_path / "out2")


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", encoding="latin-1", format=tarfile.GNU_FORMAT) as tar:
        add(tar, "é.jpg", b"x")
    done = run(tmp_path / "x.tar", tmp_path / "out")
    assert [(skip.path, skip.kind) for skip in done.skipped] == [("\\udce9.jpg", "bad-name")]
