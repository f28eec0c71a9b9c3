from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from periplus.curate import AuditConfig, measure
from periplus.curate.appearance import entropy_bits, sharpness
from periplus.errors import UsageError
from periplus.photos import read_rgb

LIMITS = AuditConfig()


def wave(period_px: float, amplitude: float = 100.0) -> NDArray[np.uint8]:
    x = np.arange(256) * (math.tau / period_px)
    return np.round(128 + amplitude * np.tile(np.sin(x), (256, 1))).astype(np.uint8)


@pytest.mark.parametrize("period_px", [4, 8, 16])
def test_sharpness_of_a_wave_is_the_closed_form(period_px: int) -> None:
    eigenvalue = (2 - 2 * math.cos(math.tau / period_px)) ** 2
    assert sharpness(wave(period_px)) == pytest.approx(eigenvalue, rel=0.03)


def test_sharpness_does_not_know_contrast() -> None:
    assert sharpness(wave(8, 30)) == pytest.approx(sharpness(wave(8, 120)), rel=0.06)


def test_sharpness_of_noise_is_that_of_the_kernel() -> None:
    """White noise: 4 * 4 + 4 * 1 = 20 times its variance, a little more in the best tiles."""
    noise = np.random.default_rng(0).normal(128, 30, (256, 256)).clip(0, 255).astype(np.uint8)
    assert 19 < sharpness(noise) < 24


def test_a_blurred_photo_is_known(shared: Path) -> None:
    photos = sorted((shared / "world-yfcc" / "photos").iterdir())[:60]
    greys = [np.asarray(cv2.cvtColor(read_rgb(p, 256).pixels, cv2.COLOR_RGB2GRAY), np.uint8) for p in photos]
    sharp = [sharpness(grey) for grey in greys]
    soft = [sharpness(np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.5), np.uint8)) for grey in greys]
    assert min(sharp) > LIMITS.blurred
    assert np.quantile(soft, 0.98) < LIMITS.blurred


def test_entropy_is_shannon() -> None:
    assert entropy_bits(np.full((9, 9), 7, np.uint8)) == 0
    assert entropy_bits(np.arange(256, dtype=np.uint8).reshape(16, 16)) == pytest.approx(8)
    assert entropy_bits(np.asarray([[0, 0, 0, 255]], np.uint8)) == pytest.approx(2 - 0.75 * math.log2(3))


def test_colour_of_grey_sepia_and_colourful_pictures() -> None:
    rng = np.random.default_rng(1)
    light = cv2.GaussianBlur(rng.normal(0, 1, (128, 128)), (0, 0), 4)
    light = (light - light.min()) / np.ptp(light)
    grey = measure(np.repeat((255 * light).astype(np.uint8)[..., None], 3, axis=2))
    assert grey.chroma < 0.1
    sepia = measure((light[..., None] * np.asarray([240, 200, 145])).astype(np.uint8))
    assert sepia.chroma > LIMITS.grey_chroma
    assert sepia.tint_error < 1
    assert sepia.hue_b > 5
    other = cv2.GaussianBlur(rng.normal(0, 1, (128, 128)), (0, 0), 4)
    other = (other - other.min()) / np.ptp(other)
    colours = np.stack([255 * light, 255 * other, 255 * (1 - light)], axis=2)
    assert measure(colours.astype(np.uint8)).tint_error > 10


def test_the_commonest_colour() -> None:
    page = np.full((100, 100, 3), 255, np.uint8)
    page[:40] = np.random.default_rng(0).integers(0, 255, (40, 100, 3))
    look = measure(page)
    assert look.plain_share == pytest.approx(0.6, abs=0.01)
    assert look.plain_luma > 250
    night = np.full((50, 50, 3), 4, np.uint8)
    assert measure(night).plain_share == 1
    assert measure(night).plain_luma < 10


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (3, 5), (256, 2)])
def test_thin_pictures_are_measured(size: tuple[int, int]) -> None:
    look = measure(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
    assert all(math.isfinite(value) for value in vars(look).values())


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3), (300, 10, 3)])
def test_what_is_no_such_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="picture to measure"):
        measure(np.zeros(shape, np.uint8))
