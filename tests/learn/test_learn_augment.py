"""Random changes of photos: what each does, and that parts of a batch are changed as the whole."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from periplus.learn.augment import Draws, augment, draw, mixing, plain
from periplus.learn.settings import AugmentConfig

ZERO, ONE = torch.zeros(3), torch.ones(3)
STILL = AugmentConfig(min_area=1, aspect=0, rotation_deg=0, flip=0, brightness=0, contrast=0, saturation=0, erase=0)


def pictures(n: int = 4, size: int = 12) -> Tensor:
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator(9))


def generator(seed: int = 0) -> torch.Generator:
    made = torch.Generator()
    made.manual_seed(seed)
    return made


def changed(config: AugmentConfig, size_px: int = 12, seed: int = 0) -> Tensor:
    return augment(pictures(), draw(4, config, generator(seed)), size_px, ZERO, ONE)


def test_without_any_change_pictures_stay() -> None:
    assert torch.allclose(changed(STILL), pictures().float() / 255, atol=1e-6)


def test_a_flip_mirrors() -> None:
    assert torch.allclose(
        changed(AugmentConfig(**{**vars(STILL), "flip": 1.0})), pictures().flip(3).float() / 255, atol=1e-6
    )


def test_a_quarter_turn() -> None:
    draws = draw(4, STILL, generator())
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0]]).expand(4, 2, 3)
    turned = augment(pictures(), Draws(turn, draws.colour, draws.erased), 12, ZERO, ONE)
    assert torch.allclose(turned, torch.rot90(pictures(), 1, (2, 3)).float() / 255, atol=1e-5)


def test_normalising() -> None:
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 1, 2])
    x = augment(pictures(), draw(4, STILL, generator()), 12, mean, std)
    expected = (pictures().float() / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert torch.allclose(x, expected, atol=1e-5)
    assert torch.allclose(plain(pictures(), 12, mean, std), expected, atol=1e-6)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_colours() -> None:
    x = pictures().float() / 255 * 0.5 + 0.25  # far from black and white, so that nothing is cut off
    shown = (x * 255).round().to(torch.uint8)
    draws = draw(4, STILL, generator())
    factors = torch.tensor([1.2, 0.5, 0.25]).expand(4, 3)
    got = augment(shown, Draws(draws.affine, factors, draws.erased), 12, ZERO, ONE)
    bright = shown.float() / 255 * 1.2
    middle = bright.mean((1, 2, 3), keepdim=True)
    contrasted = (bright - middle) * 0.5 + middle
    gray = contrasted.mean(1, keepdim=True)
    assert torch.allclose(got, (contrasted - gray) * 0.25 + gray, atol=1e-5)


def test_the_erased_rectangle() -> None:
    draws = draw(4, STILL, generator())
    box = torch.tensor([[0.25, 0.5, 0.5, 0.25]]).expand(4, 4)
    got = augment(pictures() // 2 + 100, Draws(draws.affine, draws.colour, box), 12, ZERO, ONE)
    blank = torch.zeros(12, 12, dtype=torch.bool)
    blank[6:9, 3:9] = True
    assert (got[..., blank] == 0).all()
    assert (got[..., ~blank] > 0).all()


def test_draws_lie_within_their_bounds() -> None:
    config = AugmentConfig(min_area=0.4, aspect=0.2, rotation_deg=10, erase=0.5)
    draws = draw(4000, config, generator())
    across, down = draws.affine[:, :, 0].norm(dim=1), draws.affine[:, :, 1].norm(dim=1)
    assert (across * down).min() > 0.4 * math.exp(-0.2)
    assert max(across.max(), down.max()) <= 1 + 1e-6
    x, y = draws.affine[:, 0, 2].abs(), draws.affine[:, 1, 2].abs()
    assert (x <= 1 - across + 1e-6).all()
    assert (y <= 1 - down + 1e-6).all()
    turn = torch.atan2(-draws.affine[:, 0, 1], draws.affine[:, 1, 1]).abs()
    assert math.radians(9.9) < turn.max() <= math.radians(10) + 1e-6
    mirrored = (torch.linalg.det(draws.affine[:, :, :2]) < 0).float().mean()
    assert mirrored == pytest.approx(0.5, abs=0.03)
    assert draws.colour[:, 2].min() == pytest.approx(0.4, abs=0.01)
    erased = draws.erased[draws.erased[:, 2] > 0]
    assert len(erased) / 4000 == pytest.approx(0.5, abs=0.03)
    assert (erased[:, :2] + erased[:, 2:]).max() <= 1
    assert 0.15 <= erased[:, 2:].min() <= erased[:, 2:].max() <= 0.45


def test_a_part_of_a_batch_is_changed_as_the_whole() -> None:
    draws = draw(4, AugmentConfig(erase=1), generator(3))
    whole = augment(pictures(), draws, 10, ZERO, ONE)
    for part in (slice(0, 2), slice(2, 4)):
        assert torch.equal(augment(pictures()[part], draws.part(part), 10, ZERO, ONE), whole[part])


def test_the_generator_alone_decides() -> None:
    config = AugmentConfig()
    torch.manual_seed(1)
    one = changed(config, seed=5)
    torch.manual_seed(2)
    assert torch.equal(one, changed(config, seed=5))
    assert not torch.equal(one, changed(config, seed=6))
    assert sorted(mixing(20, generator()).tolist()) == list(range(20))


def test_sizes() -> None:
    assert changed(AugmentConfig(), 7).shape == (4, 3, 7, 7)
    small = plain(pictures(), 6, ZERO, ONE)
    assert small.shape == (4, 3, 6, 6)
    assert torch.allclose(small.mean(), pictures().float().mean() / 255, atol=0.01)
