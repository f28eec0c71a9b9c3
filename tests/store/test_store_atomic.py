"""Files are whole or not there, and refusals of the system are told clearly."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from periplus.errors import CannotRunError, GalleryError
from periplus.store import TEMPORARY, Lock, atomic_path, write_bytes_atomic, write_json_atomic


def fail_with(number: int) -> object:
    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_success_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    write_bytes_atomic(target, b"old")
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path
        assert TEMPORARY.fullmatch(temporary.name)
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def half_written(target: Path) -> None:
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt


def test_failure_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    write_bytes_atomic(target, b"old")
    with pytest.raises(KeyboardInterrupt):
        half_written(target)
    assert target.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, "Input/output error. Check the disk"),
    ],
)
def test_refusals_become_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, words: str
) -> None:
    target = tmp_path / "a.bin"
    write_bytes_atomic(target, b"old")
    monkeypatch.setattr(os, step, fail_with(number))
    with pytest.raises(CannotRunError, match=words) as caught:
        write_bytes_atomic(target, b"new")
    assert str(target) in str(caught.value)
    assert target.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    write_bytes_atomic(tmp_path / "file", b"x")
    with pytest.raises(CannotRunError, match="a part of this path is a file"):
        write_bytes_atomic(tmp_path / "file" / "a", b"x")
    with pytest.raises(CannotRunError, match="Make the folder first"):
        write_bytes_atomic(tmp_path / "missing" / "a", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotRunError, match="there is a folder of this name"):
        write_bytes_atomic(tmp_path / "folder", b"x")
    with pytest.raises(CannotRunError, match="too long"):
        write_bytes_atomic(tmp_path / ("a" * 300), b"x")
    assert {entry.name for entry in tmp_path.iterdir()} == {"file", "folder"}


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    write_bytes_atomic(tmp_path / ("a" * 255), b"x")


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "a")
    write_bytes_atomic(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"x"


def test_json_is_sorted_utf8_and_strict(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json_atomic(target, {"b": [1, None], "a": "Zürich"})
    assert target.read_text(encoding="utf-8").index('"a": "Zürich"') < target.read_text(encoding="utf-8").index('"b"')
    assert json.loads(target.read_bytes()) == {"a": "Zürich", "b": [1, None]}
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json_atomic(target, {"a": wrong})
    assert json.loads(target.read_bytes()) == {"a": "Zürich", "b": [1, None]}


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    first = Lock(tmp_path / "lock", "The thing")
    with pytest.raises(GalleryError, match="The thing is being written by another process"):
        Lock(tmp_path / "lock", "The thing")
    first.release()
    first.release()
    Lock(tmp_path / "lock", "The thing").release()
    with pytest.raises(CannotRunError, match="Cannot write"):
        Lock(tmp_path / "lock" / "under", "The thing")


HOLDER = """
import os, pathlib, sys, time
from periplus.store import Lock
lock = Lock(pathlib.Path(sys.argv[1]), "It")
child = os.fork() if sys.argv[2] == "fork" else 1
if child == 0:
    print(os.getpid(), flush=True)
    time.sleep(60)
elif sys.argv[2] == "plain":
    print(0, flush=True)
if sys.stdin.readline():
    lock.release()
    print("released", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("kind", ["plain", "fork"])
def test_the_lock_ends_with_its_process_even_if_a_worker_lives_on(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock"), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        worker = int(holder.stdout.readline())
        with pytest.raises(GalleryError):
            Lock(tmp_path / "lock", "It")
        holder.kill()
        holder.wait()
        Lock(tmp_path / "lock", "It").release()
        if worker:
            os.kill(worker, signal.SIGKILL)


def test_releasing_does_not_wait_for_forked_workers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock"), "fork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        worker = int(holder.stdout.readline())
        holder.stdin.write(b"release\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == b"released\n"
        Lock(tmp_path / "lock", "It").release()
        os.kill(worker, signal.SIGKILL)
        holder.kill()
