"""The memory of indexing does not grow with the gallery, beyond its catalog.

Run as a script it is the program that is measured.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pipeline_support import TINY, TINY_ENCODER, small_town

from periplus.pipeline import index
from periplus.sources import read_folder

FEW, MANY = 60, 240
GROWTH_MB = 15.0
"""Stored features and words of 240 photos are 5 MB; the pictures are 28 MB decoded, the descriptors 49 MB."""


def make_photos(source: Path, target: Path, count: int) -> None:
    """Encode photos anew, each time at another quality: other bytes each time."""
    target.mkdir()
    photos = sorted(source.glob("*.jpg"))
    for i in range(count):
        with Image.open(photos[i % len(photos)]) as picture:
            small = picture.resize((320, 240))
            small.save(target / f"{i:03d}.jpg", quality=60 + i // len(photos), exif=picture.info["exif"])


def peak_mb(photos: Path, gallery: Path) -> float:
    command = [sys.executable, __file__, str(photos), str(gallery)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_gallery(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    source = small_town(tmp_path_factory.getbasetemp()).gallery
    peaks = []
    for count in (FEW, MANY):
        make_photos(source, tmp_path / f"photos{count}", count)
        peaks.append(peak_mb(tmp_path / f"photos{count}", tmp_path / f"g{count}"))
    assert peaks[1] - peaks[0] < GROWTH_MB, peaks


def main() -> None:
    photos, gallery = map(Path, sys.argv[1:])
    config = replace(TINY, encoder=TINY_ENCODER, sample_photos=16, segment_photos=16, calibration_photos=8)
    result = index(read_folder(photos), gallery, config)
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6
    assert result.photos in (FEW, MANY)
    sys.stdout.write(f"{peak}\n")


if __name__ == "__main__":
    main()
