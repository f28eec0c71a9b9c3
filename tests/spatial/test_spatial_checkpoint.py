"""Passes that are broken off: they go on where they were, to the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from periplus.errors import CannotRunError, UsageError
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.checkpoint import Checkpoint
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, linear_lags
from periplus.spatial.variograms.exact import PassSettings, exact_variograms
from periplus.spatial.variograms.variogram import Estimator

LAGS = linear_lags(HALF_GIRTH_KM, 6)


class BrokenOffError(Exception):
    """What a test breaks a pass off with."""


class _Breaker:
    """Breaks a pass off when ``calls`` pairs of blocks have been reported."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, done: int, total: int) -> None:
        assert 0 < done <= total
        self.left -= 1
        if self.left <= 0:
            raise BrokenOffError


def _observed(n: int = 90) -> Observations:
    rng = np.random.default_rng(0)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    return Observations(lat, lon, rng.normal(size=(n, 6)).astype(np.float32))


def _bits(observed: Observations, estimator: Estimator, how: PassSettings) -> bytes:
    found = exact_variograms(observed, LAGS, estimator, 2, how)
    names = ("gamma", "distance_km", "count", "standard_error")
    return b"".join(getattr(one, name).tobytes() for one in found for name in names)


@pytest.mark.parametrize("estimator", ["matheron", "cressie", "dowd"])
def test_broken_off_anywhere(tmp_path: Path, estimator: Estimator) -> None:
    file = tmp_path / "pass.npz"
    how = PassSettings(workers=2, blocks=4, checkpoint=file)
    whole_run: list[tuple[int, int]] = []
    whole = _bits(_observed(), estimator, replace(how, progress=lambda *at: whole_run.append(at)))
    assert not file.exists()
    assert len(whole_run) == (20 if estimator == "dowd" else 10)
    for call in range(1, len(whole_run) + 1):
        with pytest.raises(BrokenOffError):
            _bits(_observed(), estimator, replace(how, progress=_Breaker(call)))
        assert file.exists()
        seen: list[tuple[int, int]] = []
        assert _bits(_observed(), estimator, replace(how, progress=lambda *at, to=seen: to.append(at))) == whole
        assert len(seen) == len(whole_run) - call
        assert not file.exists()


def test_broken_off_again_and_again(tmp_path: Path) -> None:
    how = PassSettings(blocks=4, checkpoint=tmp_path / "pass.npz", progress=_Breaker(1))
    for _ in range(10):
        with pytest.raises(BrokenOffError):
            _bits(_observed(), "matheron", how)
    assert _bits(_observed(), "matheron", replace(how, progress=None)) == _bits(
        _observed(), "matheron", PassSettings(blocks=4)
    )


def test_progress_counts_pairs() -> None:
    seen: list[tuple[int, int]] = []
    exact_variograms(_observed(), LAGS, how=PassSettings(blocks=4, progress=lambda *at: seen.append(at)))
    assert seen[-1] == (90 * 89 // 2, 90 * 89 // 2)
    assert sorted(seen) == seen


def test_another_pass_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pass.npz"
    how = PassSettings(blocks=4, checkpoint=file, progress=_Breaker(3))
    with pytest.raises(BrokenOffError):
        _bits(_observed(), "matheron", how)
    kept = file.read_bytes()
    how = replace(how, progress=None)
    other = _observed()
    other.values[3, 2] += 1
    for observed, estimator, changed in (
        (other, "matheron", how),
        (_observed(91), "matheron", how),
        (_observed(), "cressie", how),
        (_observed(), "dowd", how),
        (_observed(), "matheron", replace(how, blocks=5)),
        (_observed(), "matheron", replace(how, backend="torch")),
    ):
        with pytest.raises(UsageError, match="another pass"):
            _bits(observed, estimator, changed)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="another pass"):
        exact_variograms(_observed(), linear_lags(19000, 6), sectors=2, how=how)
    assert file.read_bytes() == kept


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "pass.npz"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="delete it"):
        _bits(_observed(), "matheron", PassSettings(blocks=4, checkpoint=file))


def test_nothing_pickled_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pass.npz"
    np.savez(file, allow_pickle=True, key=np.array([{"a": 1}], object))
    with pytest.raises(UsageError, match="no checkpoint"):
        Checkpoint(file, "key").load({})


def test_sums_of_other_shapes_are_damage(tmp_path: Path) -> None:
    file = tmp_path / "pass.npz"
    Checkpoint(file, "key").save(3, {"count": np.zeros(3)}, now=True)
    assert Checkpoint(file, "key").load({"count": np.ones(3)}) == 3
    with pytest.raises(UsageError, match="damaged"):
        Checkpoint(file, "key").load({"count": np.zeros(4)})


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="folder"):
        Checkpoint(tmp_path / "none" / "pass.npz", "key").save(1, {}, now=True)


def test_it_is_saved_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pass.npz"
    checkpoint = Checkpoint(file, "key")
    checkpoint.save(1, {})
    assert not file.exists()
    monkeypatch.setattr("periplus.spatial.pairs.checkpoint.EVERY_S", 0.0)
    checkpoint.save(2, {})
    assert Checkpoint(file, "key").load({}) == 2
