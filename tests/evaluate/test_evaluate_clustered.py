"""Intervals of many values from the same draws of clusters: against a slow twin and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from periplus.evaluate import bootstrap_interval, clustered
from periplus.evaluate.clustered import cluster_codes, clustered_intervals, design_effect
from periplus.evaluate.scores import Measured


def _data(n: int = 60, groups: int = 9) -> tuple[dict[str, Measured], np.ndarray]:
    rng = np.random.default_rng(0)
    km = rng.exponential(100, n)
    km[:2] = np.inf
    some = np.where(rng.uniform(size=n) < 0.3, np.nan, km)
    hits = (km < 50).astype(np.float64)
    codes = np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])
    measured = {
        "share": Measured(hits, "share"),
        "mean": Measured(km, "mean"),
        "finite": Measured(np.minimum(km, 400), "mean"),
        "median": Measured(km, "median"),
        "median of some": Measured(some, "median"),
        "mean of some": Measured(np.where(np.isinf(some), np.nan, some), "mean"),
        "none": Measured(np.full(n, np.nan), "mean"),
    }
    return measured, codes


def _slow_twin(one: Measured, codes: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    groups = int(codes.max()) + 1
    found = []
    for _ in range(resamples):
        sample = np.concatenate([one.of[codes == pick] for pick in rng.integers(0, groups, groups)])
        sample = sample[~np.isnan(sample)]
        if len(sample):
            found.append(np.median(sample) if one.statistic == "median" else np.mean(sample))
    found.sort()
    tail = max(1, math.floor((len(found) + 1) * 0.025 + 1e-9))
    return (found[tail - 1], found[-tail]) if found else (math.nan, math.nan)


def test_against_a_slow_twin() -> None:
    measured, codes = _data()
    found = clustered_intervals(measured, codes, resamples=300, seed=5)
    assert list(found) == list(measured)
    for name, one in measured.items():
        low, high = _slow_twin(one, codes, 300, 5)
        assert (found[name].low, found[name].high) == pytest.approx((low, high), rel=1e-12, nan_ok=True), name
        assert found[name].value == pytest.approx(one.value, nan_ok=True)


def test_blocks_do_not_touch_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    measured, codes = _data()
    whole = clustered_intervals(measured, codes, resamples=200, seed=1)
    for block in (1, 100, 1000):
        monkeypatch.setattr(clustered, "_BLOCK", block)
        parts = clustered_intervals(measured, codes, resamples=200, seed=1)
        for name, one in whole.items():
            assert (parts[name].low, parts[name].high) == pytest.approx((one.low, one.high), rel=1e-12, nan_ok=True)


def test_the_order_of_the_queries_does_not_touch_the_result() -> None:
    measured, codes = _data()
    ids, labels = [f"q{i:02}" for i in range(60)], [f"a{code}" if code else None for code in codes.tolist()]
    whole = clustered_intervals(measured, cluster_codes(labels, ids), seed=2)
    order = np.random.default_rng(1).permutation(60)
    mixed = {name: Measured(one.of[order], one.statistic) for name, one in measured.items()}
    again = clustered_intervals(mixed, cluster_codes([labels[i] for i in order], [ids[i] for i in order]), seed=2)
    assert repr(again) == repr(whole)


def test_everyone_alone_is_the_plain_bootstrap() -> None:
    values = np.sort(np.random.default_rng(4).exponential(size=40))
    for statistic, kind in ((np.mean, "mean"), (np.median, "median")):
        one = clustered_intervals({"x": Measured(values, kind)}, np.arange(40), seed=3)["x"]  # type: ignore[arg-type]
        assert (one.low, one.high) == pytest.approx(bootstrap_interval(values, statistic, seed=3), rel=1e-12)


def test_cluster_codes() -> None:
    assert cluster_codes(["b", None, "a", "b", None], list("vwxyz")).tolist() == [1, 2, 0, 1, 3]
    assert cluster_codes(["b", None, "a", "b", None], list("vzxyw")).tolist() == [1, 3, 0, 1, 2]


def test_design_effect_in_closed_form() -> None:
    # m copies of each of g values: Σ (m r)² g/(g-1) over Σ m r² n/(n-1) = m (g/(g-1)) (n-1)/n, n = m g.
    values, m = np.array([1.0, 5.0, 2.0, 8.0]), 3
    effect = design_effect(np.repeat(values, m), np.repeat(np.arange(4), m))
    assert effect == pytest.approx(3 * (4 / 3) * (11 / 12))
    assert design_effect(values, np.arange(4)) == pytest.approx(1)
    for nothing in (np.ones(4), np.array([0.1] * 3 + [math.nan]), np.array([1, 2, math.inf, 3])):
        assert math.isnan(design_effect(nothing, np.arange(4)))
    assert math.isnan(design_effect(values, np.zeros(4, np.int64)))


@pytest.mark.slow
def test_the_interval_grows_as_the_design_effect_says() -> None:
    rng = np.random.default_rng(7)
    authors = np.repeat(np.arange(300), 10)
    hits = (rng.uniform(size=3000) < rng.beta(0.5, 0.5, 300)[authors]).astype(np.float64)
    effect = design_effect(hits, authors)
    assert effect == pytest.approx(1 + 9 * 0.5, rel=0.15)  # intraclass correlation of beta(1/2, 1/2) is 1/2
    together = clustered_intervals({"x": Measured(hits, "share")}, authors)["x"]
    alone = bootstrap_interval(hits, np.mean)
    assert ((together.high - together.low) / (alone[1] - alone[0])) ** 2 == pytest.approx(effect, rel=0.2)
