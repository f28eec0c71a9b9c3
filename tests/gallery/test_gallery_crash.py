"""Killed, refused or cut short at any instruction, a gallery opens as before or after a change.

Run as a script it is the program that is killed: it does one change after another, each drawn from its number.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from periplus.errors import CannotRunError, GalleryError
from periplus.gallery import GalleryWriter, create_gallery, damaged_files, open_gallery

State = tuple[tuple[tuple[str, int], ...], int]
"""Live rows as (id, version) in row order, and the version of the calibration."""

Change = tuple[str, tuple[str, ...], tuple[str, ...]]
"""What happens: its kind, the ids put, the ids removed."""


def change(number: int) -> Change:
    draw = random.Random(number)
    ids = [f"p{i}" for i in range(9)]
    kind = draw.choice(["commit", "commit", "commit", "remove", "compact", "resource"])
    puts = tuple(draw.sample(ids, draw.randint(1, 4))) if kind == "commit" else ()
    gone = tuple(draw.sample(ids, draw.randint(0, 2))) if kind in ("commit", "remove") else ()
    return kind, puts, gone


def imagine(state: State, number: int) -> State:
    rows, calibration = state
    kind, puts, gone = change(number)
    kept = tuple(pair for pair in rows if pair[0] not in (*puts, *gone))
    return (*kept, *((photo, number) for photo in puts)), number if kind == "resource" else calibration


def perform(writer: GalleryWriter, number: int) -> None:
    kind, puts, gone = change(number)
    if kind == "commit":
        segment = writer.begin_segment()
        for photo in puts:
            blob = f"{photo}:{number}".encode()
            segment.add({"id": photo, "content_hash": str(number)}, np.full(3, number % 2048), {"sift": blob})
        writer.commit(segment, gone)
    elif kind == "remove":
        writer.remove(gone)
    elif kind == "compact":
        writer.compact(rows_per_segment=4)
    else:
        writer.put_resource("calibration", {"version": number})


def look(path: Path) -> State:
    gallery = open_gallery(path)
    versions = [int(str(v)) for v in gallery.catalog.column("content_hash")]
    rows = tuple(zip(gallery.catalog.ids, versions, strict=True))
    for i, (photo, version) in enumerate(rows):
        assert gallery.vector(i).tolist() == [version % 2048] * 3
        assert gallery.blob("sift", i).tobytes() == f"{photo}:{version}".encode()
    assert damaged_files(gallery) == []
    return rows, gallery.resource("calibration")["version"]


def create(path: Path) -> None:
    create_gallery(path, encoder={}, fingerprint="f", dim=3, resources={"calibration": {"version": -1}})


def own_files(path: Path) -> set[str]:
    manifest = open_gallery(path).manifest
    files = {f"segments/{s.name}/{f}" for s in manifest.segments for f in s.files} | {"gallery.json", "lock"}
    files |= {f"resources/{f}" for f in manifest.resources.values()}
    return files | ({f"tombstones/{manifest.tombstones}"} if manifest.tombstones else set())


def all_files(path: Path) -> set[str]:
    return {f.relative_to(path).as_posix() for f in path.rglob("*") if f.is_file()}


STEPS = ("fsync", "replace", "unlink", "rmdir", "mkdir", "open")
FILLED = 20


def interesting(kind: str) -> int:
    """The number of a change of this kind that has an effect after the first 20."""
    state: State = ((), -1)
    for number in range(FILLED):
        state = imagine(state, number)
    numbers = (n for n in range(FILLED, 500) if change(n)[0] == kind)
    return next(
        n for n in numbers if kind == "compact" or (imagine(state, n) != state and (change(n)[2] or not change(n)[1]))
    )


NUMBERS = {kind: interesting(kind) for kind in ("commit", "compact", "remove", "resource")}


@pytest.fixture(autouse=True, scope="module")
def _without_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "g")
    with GalleryWriter(tmp_path / "g") as writer:
        for number in range(FILLED):
            perform(writer, number)
    return tmp_path / "g"


def before_each_step(patch: pytest.MonkeyPatch, act: Callable[[str], None]) -> None:
    for name in STEPS:
        real = getattr(os, name)

        def step(*args: Any, _name: str = name, _real: Callable[..., Any] = real, **named: Any) -> Any:
            act(_name)
            return _real(*args, **named)

        patch.setattr(os, name, step)


@pytest.mark.parametrize("kind", sorted(NUMBERS))
def test_what_is_on_disk_at_every_step_is_before_or_after(path: Path, tmp_path: Path, kind: str) -> None:
    number, busy = NUMBERS[kind], False
    copies: list[Path] = []
    before = look(path)
    after = imagine(before, number)
    assert kind == "compact" or before != after

    def copy(name: str) -> None:
        nonlocal busy
        if not busy:
            busy = True
            copies.append(tmp_path / f"copy{len(copies)}")
            shutil.copytree(path, copies[-1])
            busy = False

    with pytest.MonkeyPatch.context() as patch:
        before_each_step(patch, copy)
        with GalleryWriter(path) as writer:
            perform(writer, number)
    assert look(path) == after
    assert len(copies) > 10
    seen = [look(path) for path in copies]
    assert set(seen) <= {before, after}
    assert seen == sorted(seen, key=lambda state: state == after and kind != "compact")
    for left in copies:
        with GalleryWriter(left) as writer:
            perform(writer, number)
        assert look(left) == after
        assert all_files(left) == own_files(left)


def test_a_gallery_cut_short_in_the_making_is_not_one_and_can_be_made(tmp_path: Path) -> None:
    copies: list[Path] = []
    busy = False

    def copy(name: str) -> None:
        nonlocal busy
        if not busy and (tmp_path / "g").exists():
            busy = True
            copies.append(tmp_path / f"copy{len(copies)}")
            shutil.copytree(tmp_path / "g", copies[-1])
            busy = False

    with pytest.MonkeyPatch.context() as patch:
        before_each_step(patch, copy)
        create(tmp_path / "g")
    assert len(copies) > 8
    for left in copies:
        if not (left / "gallery.json").exists():
            with pytest.raises(GalleryError, match="There is no gallery at"):
                open_gallery(left)
            create(left)
        assert look(left) == ((), -1)


@pytest.mark.parametrize("kind", sorted(NUMBERS))
def test_a_refusal_at_any_step_is_told_and_changes_nothing_by_half(path: Path, tmp_path: Path, kind: str) -> None:
    before = look(path)
    after = imagine(before, NUMBERS[kind])
    told, countdown = 0, 0

    def refuse(name: str) -> None:
        nonlocal countdown
        # A full disk refuses to take, never to give back.
        countdown -= name in ("fsync", "replace", "mkdir")
        if countdown < 0 and name in ("fsync", "replace", "mkdir"):
            raise OSError(28, "No space left on device")

    for steps in range(1000):
        trial = tmp_path / f"trial{steps}"
        shutil.copytree(path, trial)
        countdown = steps
        message = ""
        try:
            with GalleryWriter(trial) as writer, pytest.MonkeyPatch.context() as patch:
                before_each_step(patch, refuse)
                perform(writer, NUMBERS[kind])
        except CannotRunError as error:
            message = str(error)
            told += 1
        assert not message or "the disk is full. Free some space and run again" in message
        state = look(trial)
        assert state in (before, after)
        with GalleryWriter(trial) as writer:
            perform(writer, NUMBERS[kind])
        assert look(trial) == after
        assert all_files(trial) == own_files(trial)
        if countdown >= 0:
            break
    assert told > 3


@pytest.fixture
def limit_file_size() -> Iterator[Callable[[int], None]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size < 0 else size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 10, 100, 130, 600])
def test_files_that_cannot_grow(path: Path, limit_file_size: Callable[[int], None], size: int) -> None:
    before = look(path)
    with GalleryWriter(path) as writer:
        limit_file_size(size)
        with pytest.raises(CannotRunError, match=r"Cannot write .*: File too large"):
            perform(writer, NUMBERS["commit"])
        limit_file_size(-1)
    assert look(path) == before
    assert all_files(path) == own_files(path)


def test_a_writer_whose_swap_failed_does_not_go_on(path: Path) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    before = look(path)
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("periplus.store.atomic.sync_folder", refuse)
            with pytest.raises(CannotRunError, match="Input/output error"):
                writer.put_resource("calibration", {"version": 7})
        # The resource's own file was refused, the manifest not yet touched: all goes on.
        writer.commit(segment)
        assert look(path) == before
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("periplus.gallery.writer.write_manifest", lambda *_: refuse())
            with pytest.raises(OSError, match="Input"):
                writer.put_resource("calibration", {"version": 7})
        for go_on in (writer.begin_segment, writer.compact, lambda: writer.remove([])):
            with pytest.raises(GalleryError, match=r"The last change of .* failed\. Open it again"):
                go_on()
    assert look(path) == before


def program() -> None:
    """Read "path log first last" from each input line and do these changes in a forked child; answer with its pid."""
    for line in sys.stdin:
        path, log, first, last = line.split()
        child = os.fork()
        if child == 0:
            # Unbuffered: a kill must not lose what was begun.
            with Path(log).open("ab", buffering=0) as journal:
                for number in range(int(first), int(last)):
                    journal.write(f"{number}\n".encode())
                    with GalleryWriter(path) as writer:
                        perform(writer, number)
            os._exit(0)
        os.write(1, f"{child}\n".encode())
        os.write(1, f"{os.waitpid(child, 0)[1]}\n".encode())


def test_killed_twenty_times_at_random_moments(tmp_path: Path) -> None:
    path, log = tmp_path / "g", tmp_path / "log"
    create(path)
    delays, next_number = random.Random(7), 0
    states: list[State] = [((), -1)]
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as zygote:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        for _ in range(20):
            log.write_bytes(b"")
            zygote.stdin.write(f"{path} {log} {next_number} 100000\n")
            child = int(zygote.stdout.readline())
            # One change is done for sure, so that every kill falls into another one.
            while log.read_bytes().count(b"\n") < 2 and Path(f"/proc/{child}").exists():
                time.sleep(0.001)
            time.sleep(delays.uniform(0, 0.1))
            os.kill(child, signal.SIGKILL)
            assert int(zygote.stdout.readline()) == signal.SIGKILL
            begun = int(log.read_text().split()[-1])
            while len(states) < begun + 2:
                states.append(imagine(states[-1], len(states) - 1))
            found = look(path)
            assert found in (states[begun], states[begun + 1])
            next_number = begun + (found == states[begun + 1])
        zygote.stdin.write(f"{path} {log} {next_number} {next_number + 5}\n")
        zygote.stdout.readline()
        assert zygote.stdout.readline() == "0\n"
        zygote.stdin.close()
    unkilled: State = ((), -1)
    for n in range(next_number + 5):
        unkilled = imagine(unkilled, n)
    assert look(path) == unkilled
    assert all_files(path) == own_files(path)
    assert next_number >= 20


if __name__ == "__main__":
    program()
