"""Killed or stopped at any moment, indexing leaves a gallery that opens, and goes on to the very same result.

Run as a script it is the program that is killed; it prints a line a photo, and the test kills it some lines later.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pipeline_support import TINY, contents, small_town, some

from periplus.gallery import damaged_files, open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.pipeline import IndexConfig, index, locate, open_for_search
from periplus.sources import Scan, read_folder
from periplus.synth import Town

PHOTOS, KILLS = 16, 20
CONFIG = replace(TINY, segment_photos=4, calibration_photos=6)
ORPHANS_END_S = 20.0

Child = subprocess.Popen[str]


def scan_of(folder: Path) -> Scan:
    return some(read_folder(folder), PHOTOS)


def start(folder: Path, gallery: Path, jobs: int) -> Child:
    command = [sys.executable, "-u", __file__, str(folder), str(gallery), str(jobs)]
    # A session of its own, so that Ctrl-C can be sent to the whole group as a terminal does.
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts() -> None:
    """A test run in the background was told to ignore Ctrl-C, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_lines(child: Child, lines: int) -> bool:
    """Wait for so many lines; False where the program ended before."""
    assert child.stdout is not None
    return all(child.stdout.readline() for _ in range(lines))


def end(child: Child) -> None:
    """Kill a child and let go of its pipes without reading them: a worker that outlived it would hold them open."""
    child.kill()
    child.wait()
    for pipe in (child.stdout, child.stderr):
        assert pipe is not None
        pipe.close()


def looks_sound(gallery: Path) -> bool:
    """Whether there is a gallery yet; where there is one, it must open, and whole photos must be in it."""
    if not (gallery / MANIFEST).exists():
        return False
    opened = open_for_search(gallery)
    assert damaged_files(opened.gallery) == []
    for row in range(len(opened)):
        opened.features(row)
        opened.words_of(row)
    return True


def descendants(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid:
            found.append(int(status.parent.name))
    return found


def running(pids: list[int]) -> list[int]:
    def state(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return "gone"

    return [pid for pid in pids if state(pid) not in ("gone", "Z")]


def moments(seed: int, most_lines: int) -> Iterator[tuple[int, float]]:
    """After how many lines, and how many seconds then, a child is killed: spread over every stage, and in between."""
    draw = random.Random(seed)
    while True:
        yield draw.randint(0, most_lines), draw.choice([0.0, draw.expovariate(20), draw.expovariate(3)])


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return small_town(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def unkilled(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unkilled") / "g"
    index(scan_of(town.gallery), path, CONFIG)
    return path


def assert_same(gallery: Path, unkilled: Path, town: Town) -> None:
    assert contents(open_gallery(gallery)) == contents(open_gallery(unkilled))
    photo = min(town.queries.glob("*.jpg"))
    one, other = (locate(photo, open_for_search(path)).fix for path in (gallery, unkilled))
    assert (one.lat_deg, one.lon_deg, one.confidence, one.radius_km_90) == (
        other.lat_deg,
        other.lon_deg,
        other.confidence,
        other.radius_km_90,
    )
    assert [(e.id, e.score) for e in one.evidence] == [(e.id, e.score) for e in other.evidence]


@pytest.mark.slow
def test_killed_at_random_moments_it_resumes_to_the_same(town: Town, unkilled: Path, tmp_path: Path) -> None:
    kills = rounds = 0
    opened_after_kill = 0
    at = moments(3, 2 * PHOTOS + 4)
    while kills < KILLS:
        gallery = tmp_path / f"g{rounds}"
        for _ in range(4):
            child = start(town.gallery, gallery, 1)
            lines, wait_s = next(at)
            if read_lines(child, lines + 1):
                time.sleep(wait_s)
                child.kill()
            out, err = child.communicate()
            if child.returncode != -signal.SIGKILL:
                assert child.returncode == 0, err + out
                break
            kills += 1
            opened_after_kill += looks_sound(gallery)
        index(scan_of(town.gallery), gallery, CONFIG)
        assert_same(gallery, unkilled, town)
        rounds += 1
    assert opened_after_kill >= KILLS // 4, "most kills came before there was anything to lose"


@pytest.mark.slow
def test_killed_with_workers_it_resumes_to_the_same_and_leaves_no_worker(
    town: Town, unkilled: Path, tmp_path: Path
) -> None:
    gallery = tmp_path / "g"
    orphans: list[int] = []
    try:
        # Lines: 1 when it starts, then one a photo of each stage; the last kill falls among the described.
        for lines in (1 + PHOTOS // 2, 1 + PHOTOS + PHOTOS // 2):
            child = start(town.gallery, gallery, 2)
            assert read_lines(child, lines)
            orphans += descendants(child.pid)
            end(child)
            assert child.returncode == -signal.SIGKILL
            looks_sound(gallery)
        index(scan_of(town.gallery), gallery, replace(CONFIG, jobs=2))
        assert_same(gallery, unkilled, town)
        until = time.monotonic() + ORPHANS_END_S
        while running(orphans) and time.monotonic() < until:
            time.sleep(0.1)
        assert running(orphans) == [], "workers outlive their killed parent"
    finally:
        for pid in running(orphans):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_a_gallery_that_goes_on(jobs: int, town: Town, unkilled: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "g"
    child = start(town.gallery, gallery, jobs)
    try:
        assert read_lines(child, 1 + PHOTOS + PHOTOS // 2 + 1)
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        end(child)
    assert child.returncode not in (0, -signal.SIGKILL), out
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1, "workers keep quiet"
    assert looks_sound(gallery)
    assert 0 < len(open_gallery(gallery)) < PHOTOS, "what was committed stays"
    result = index(scan_of(town.gallery), gallery, CONFIG)
    assert 0 < result.unchanged < PHOTOS
    assert result.unchanged + result.added == PHOTOS
    assert_same(gallery, unkilled, town)


def tell(stage: str, done: int, total: int) -> None:
    sys.stdout.write(f"{stage} {done} {total}\n")


def main() -> None:
    folder, gallery, jobs = sys.argv[1:]
    config: IndexConfig = replace(CONFIG, jobs=int(jobs))
    scan = scan_of(Path(folder))
    sys.stdout.write("start\n")
    index(scan, Path(gallery), config, tell)


if __name__ == "__main__":
    main()
