from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from forger_spatial import INTERVALS, MODEL, forge_cloud, forge_collapse, forge_fit, forge_variogram
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from scipy.integrate import trapezoid

from periplus.errors import CannotRunError, MissingExtraError, UsageError
from periplus.plots.spatial import collapse_figure, save_figure, similarity_figure, variogram_figure
from periplus.plots.spatial.axes import count_words, number_words
from periplus.plots.spatial.canvas import MARKERS, figure_svg, plain, require_matplotlib
from periplus.plots.spatial.collapse_panels import numbers_of, tail_of, uniform_density
from periplus.plots.spatial.fit_marks import reached_km
from periplus.plots.spatial.similarity_figure import bands_of, spread
from periplus.plots.spatial.words import digits, km_words, name_of, percent, signed
from periplus.spatial.clouds.similarity import similarity_against_distance
from periplus.spatial.fitting.models import VariogramModel
from periplus.spatial.vectors.collapse import measure_collapse
from periplus.spatial.vectors.uniformity import uniformity_of_uniform

NASTY = "$\\frac{<script>& 🏛️ \x00\ud800 \u202e\n--> _x_ " + "long " * 200


def _segments(axes: Axes) -> list[np.ndarray]:
    return [
        np.asarray(one)
        for drawn in axes.collections
        if isinstance(drawn, LineCollection)
        for one in drawn.get_segments()
    ]


def _legend(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def _line(axes: Axes, x: np.ndarray) -> np.ndarray:
    """What the line over these numbers is at, among all lines."""
    for line in axes.get_lines():
        drawn = np.asarray(line.get_xdata(), float)
        if drawn.shape == x.shape and np.allclose(drawn, x):
            return np.asarray(line.get_ydata(), float)
    raise AssertionError(f"No line over {x}.")


def test_points_bars_and_pairs_are_the_records() -> None:
    one = forge_variogram(sampled=True)
    above, below = variogram_figure([one]).axes
    few, enough = one.has_pairs & (one.count < 30), one.count >= 30
    assert np.allclose(_line(above, one.distance_km[enough]), one.gamma[enough])
    assert np.allclose(_line(above, one.distance_km[few]), one.gamma[few])
    bars = {tuple(np.round(np.sort(s[:, 1]), 9)) for s in _segments(above) if len(s) == 2 and np.isfinite(s).all()}
    for k in np.flatnonzero(one.has_pairs):
        assert tuple(np.round([one.gamma[k] - 0.01, one.gamma[k] + 0.01], 9)) in bars
        if np.isfinite(one.standard_error[k]):
            assert tuple(np.round(one.gamma[k] + np.array([-1, 1]) * one.standard_error[k], 9)) in bars
    steps = below.patches[0].get_data()  # type: ignore[attr-defined]
    assert np.array_equal(steps.edges, one.edges_km)
    assert np.array_equal(np.nan_to_num(steps.values), one.count)
    assert below.get_yscale() == "log"
    assert "km" in below.get_xlabel()


def test_curves_marks_and_truths_are_the_models() -> None:
    truth = VariogramModel("gaussian", 0.1, 0.9, 900.0)
    figure = variogram_figure([forge_variogram()], [forge_fit()], [truth])
    above = figure.axes[0]
    curves = {id(line): line for line in above.get_lines() if len(np.asarray(line.get_xdata())) > 50}
    solid, dotted, dashed = curves.values()
    for line, model in ((solid, MODEL), (dotted, MODEL), (dashed, truth)):
        x = np.asarray(line.get_xdata(), float)
        assert np.allclose(np.asarray(line.get_ydata(), float), model(x))
    assert np.asarray(solid.get_xdata(), float).max() <= 3000 < np.asarray(dotted.get_xdata(), float).min()
    reach = MODEL.effective_range_km
    assert _line(above, np.array([reach, reach]))[1] == pytest.approx(0.2 + 0.95 * 0.8)
    assert np.allclose(_line(above, np.array(INTERVALS["effective_range_km"])), 0)
    texts = [text.get_text() for text in above.texts]
    assert texts == ["sill\n1", "range 2,100 km"]
    assert _legend(figure) == [
        "estimate; exponential, sill 1, range 2,100 km",
        "truth: gaussian, sill 1, range 1,560 km",
    ]


def test_a_range_in_chords_is_marked_where_the_curve_reaches_it() -> None:
    model = VariogramModel("exponential", 0.1, 0.9, 3000.0, metric="chord")
    assert model(reached_km(model)) == pytest.approx(0.1 + 0.95 * 0.9)
    assert reached_km(model) > model.effective_range_km
    assert reached_km(replace(model, length_scale_km=9000.0)) == math.inf
    variogram_figure([forge_variogram()], [forge_fit(model=replace(model, length_scale_km=9000.0))])


def test_several_curves_are_told_apart_and_fits_find_theirs() -> None:
    two = [forge_variogram("one"), forge_variogram("two")]
    figure = variogram_figure(two, [forge_fit("two"), forge_fit("two"), forge_fit("one")], log_distance=True)
    above = figure.axes[0]
    assert above.get_xscale() == "log"
    looks = {(line.get_color(), line.get_marker()) for line in above.get_lines() if line.get_marker() in ("o", "s")}
    assert len(looks) == 2
    assert [name.split(";")[0] for name in _legend(figure)][:2] == ["one", "two"]
    sectors = [
        replace(forge_variogram(), sector_deg=(-45.0, 45.0)),
        replace(forge_variogram(), sector_deg=(45.0, 135.0)),
    ]
    assert _legend(variogram_figure(sectors, [forge_fit(), forge_fit()]))[1].startswith("90° ± 45°; exponential")
    assert name_of(replace(sectors[0], label="a")) == "a, 0° ± 45°"
    assert name_of(replace(sectors[0], label="a, 0° ± 45°")) == "a, 0° ± 45°"


def test_many_curves_have_a_colour_each() -> None:
    many = [forge_variogram(f"group {k}") for k in range(9)]
    above = variogram_figure(many).axes[0]
    assert len({str(line.get_color()) for line in above.get_lines() if line.get_marker() in MARKERS}) == 9


def test_what_cannot_be_drawn_is_refused() -> None:
    one = forge_variogram()
    none = replace(one, count=np.zeros(10, np.int64))
    with pytest.raises(UsageError, match="no variogram with pairs"):
        variogram_figure([])
    with pytest.raises(UsageError, match="no variogram with pairs"):
        variogram_figure([none])
    with pytest.raises(UsageError, match="belongs to none"):
        variogram_figure([one], [forge_fit("other")])
    with pytest.raises(UsageError, match="Several variograms"):
        variogram_figure([one, one], [forge_fit()] * 3)
    with pytest.raises(UsageError, match="draw it linear"):
        variogram_figure([replace(one, distance_km=np.zeros(10))], log_distance=True)
    with pytest.raises(UsageError, match="1 to 3 clouds"):
        similarity_figure([])
    with pytest.raises(UsageError, match="1 to 3 spaces"):
        collapse_figure([forge_collapse()] * 4)
    cloud = forge_cloud()
    with pytest.raises(UsageError, match="no pairs"):
        similarity_figure([replace(cloud, counts=np.zeros_like(cloud.counts))])
    figure_svg(variogram_figure([none, one]))


def test_a_cross_variogram_may_be_negative() -> None:
    one = forge_variogram()
    bottom, top = variogram_figure([replace(one, gamma=-one.gamma)]).axes[0].get_ylim()
    assert bottom < -1
    assert top > 0


def test_hexagons_hold_every_pair_and_curves_are_the_records() -> None:
    cloud = forge_cloud("a")
    axes = similarity_figure([cloud]).axes[0]
    (hexagons,) = [one for one in axes.collections if isinstance(one, PolyCollection) and one.get_array() is not None]
    assert np.asarray(hexagons.get_array()).sum() == pytest.approx(cloud.n_pairs)
    assert axes.get_xscale() == "log"
    shown = cloud.curve.count >= 30
    means = [np.asarray(line.get_ydata(), float) for line in axes.get_lines() if line.get_label() == "mean"]
    assert np.allclose(means[0], cloud.curve.mean[shown])
    km, bands = bands_of(cloud)
    assert np.array_equal(km, cloud.curve.middle_km[shown])
    assert (np.diff(bands, axis=1) >= 0).all()
    assert ((bands[:, 0] <= cloud.curve.mean[shown]) & (cloud.curve.mean[shown] <= bands[:, 4])).all()
    title = axes.get_title(loc="left")
    assert signed(cloud.pearson.value) in title
    assert signed(cloud.spearman.low) in title
    assert percent(cloud.monotonicity.discordance, 3) in title


def test_rises_are_marked_where_they_are_beyond_chance() -> None:
    cloud = forge_cloud()
    rises = cloud.monotonicity.rises
    sure = tuple(replace(rise, standard_error=rise.by / 4) for rise in rises[:2])
    unsure = tuple(replace(rise, standard_error=rise.by) for rise in rises[2:])
    assert len(sure) == 2
    fall = replace(cloud.monotonicity, rises=sure + unsure)
    axes = similarity_figure([replace(cloud, monotonicity=fall)]).axes[0]
    (marks,) = [line for line in axes.get_lines() if line.get_label() == "rises"]
    assert np.allclose(np.asarray(marks.get_xdata(), float), [rise.to_km for rise in sure])


def test_clouds_share_their_axes_and_their_scale() -> None:
    cloud = forge_cloud("a")
    first, second, _bar = similarity_figure([cloud, replace(cloud, counts=cloud.counts * 10, label="b")]).axes
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    assert first.collections[0].norm.vmax == second.collections[0].norm.vmax


def test_classes_do_not_beat_against_hexagons() -> None:
    even = np.full((50, 40), 100, np.int64)
    figure = Figure()
    x, y, pairs = spread(even, np.linspace(0, 5, 51), np.linspace(0, 1, 41))
    assert pairs.sum() == pytest.approx(even.sum())
    drawn = figure.add_subplot().hexbin(x, y, C=pairs, reduce_C_function=np.sum, gridsize=(44, 34))
    at = np.asarray(drawn.get_offsets(), float)
    inside = (np.abs(at[:, 0] - 2.5) < 2.3) & (np.abs(at[:, 1] - 0.5) < 0.45)
    inner = np.asarray(drawn.get_array())[inside]
    assert np.ptp(inner) / inner.mean() < 0.2


def test_spectra_similarities_and_hubs_are_the_records() -> None:
    one = forge_collapse("a")
    figure = collapse_figure([one, replace(one, label="b")])
    axes = {panel.get_title(loc="left"): panel for panel in figure.axes}
    rank = one.directions.rank
    shares = one.spectrum / one.spectrum.sum()
    assert np.allclose(_line(axes["Spectrum"], np.arange(1.0, rank + 1)), shares[:rank])
    cumulated = _line(axes["Variance of the first directions"], np.arange(1.0, rank + 1))
    assert np.allclose(cumulated, np.cumsum(shares)[:rank])
    steps = axes["Similarity of pairs"].patches[0].get_data()  # type: ignore[attr-defined]
    assert np.allclose(steps.values * one.similarity_counts.max(), one.similarity_counts)
    assert one.hubness is not None
    times, share = tail_of(one.hubness)
    assert np.allclose(_line(axes["Hubs"], times + 1), share)
    assert share[0] == 1
    assert share[-1] * len(one.hubness.occurrence) == (one.hubness.occurrence == one.hubness.largest).sum()
    texts = [text.get_text() for text in axes["Numbers"].texts]
    assert set(numbers_of(one).values()) <= set(texts)
    assert _legend(figure) == ["a", "b"]


def test_a_space_without_neighbours_is_drawn_too() -> None:
    bare = replace(forge_collapse(), hubness=None, intrinsic_dimension=None, alignment=None)
    figure = collapse_figure([bare])
    assert "too few vectors that differ" in [text.get_text() for axes in figure.axes for text in axes.texts]
    assert numbers_of(bare)["Alignment of pairs"] == "–"


@pytest.mark.parametrize("vectors", [np.eye(2), np.ones((5, 4)), np.repeat(np.eye(3), 4, axis=0)])
def test_few_and_equal_vectors(vectors: np.ndarray) -> None:
    assert collapse_figure([measure_collapse(vectors.astype(np.float32))]).axes


@pytest.mark.parametrize("lon", [[0.0, 0.0], [0.0, 90.0]])
def test_a_cloud_of_one_pair(lon: list[float]) -> None:
    cloud = similarity_against_distance(np.zeros(2), np.array(lon), np.eye(2, dtype=np.float32))
    axes = similarity_figure([cloud]).axes[0]
    assert np.ptp(axes.get_ylim()) > 0.1
    assert axes.get_xlim()[1] >= 10 * axes.get_xlim()[0]


@pytest.mark.parametrize("dim", [3, 8, 512])
def test_the_density_of_an_even_spread(dim: int) -> None:
    s = np.linspace(-1, 1, 200_001)
    density = uniform_density(s, dim)
    assert trapezoid(density, s) == pytest.approx(1, rel=1e-4)
    assert trapezoid(density * s**2, s) == pytest.approx(1 / dim, rel=1e-3)
    assert math.log(trapezoid(density * np.exp(4 * s - 4), s)) == pytest.approx(uniformity_of_uniform(dim), rel=1e-4)


CLOUD = forge_cloud("a")
COLLAPSE = forge_collapse("a")
FIGURES: dict[str, Callable[[], Figure]] = {
    "variogram": lambda: variogram_figure([forge_variogram("a")], [forge_fit("a")]),
    "similarity": lambda: similarity_figure([CLOUD]),
    "collapse": lambda: collapse_figure([COLLAPSE]),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_equal_records_are_equal_bytes_whatever_the_users_style(tmp_path: Path, kind: str) -> None:
    first = figure_svg(FIGURES[kind]())
    with mpl.rc_context({"font.size": 31, "svg.hashsalt": "x", "axes.grid": True, "lines.linewidth": 9}):
        figure = FIGURES[kind]()
        assert figure_svg(figure) == first
    assert "<dc:date>" not in first


def test_a_figure_may_be_saved_again_and_again(tmp_path: Path) -> None:
    figure = FIGURES["variogram"]()
    first = figure_svg(figure)
    save_figure(figure, tmp_path / "a.pdf")
    save_figure(figure, tmp_path / "b.PDF")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.PDF").read_bytes()
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()
    assert figure_svg(figure) == first


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    figure = FIGURES["variogram"]()
    save_figure(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[16:20] == (1050).to_bytes(4, "big")  # 3.5 inches at 300 dpi
    for name in ("a.jpg", "a", "a.svgz"):
        with pytest.raises(UsageError, match=r"\.png, \.svg, \.pdf"):
            save_figure(figure, tmp_path / name)
    with pytest.raises(CannotRunError, match="folder does not exist"):
        save_figure(figure, tmp_path / "no" / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_hostile_labels_are_drawn_as_text() -> None:
    one = replace(forge_variogram(), label=NASTY)
    for figure in (
        variogram_figure([one], [forge_fit(NASTY)]),
        collapse_figure([replace(forge_collapse(), label=NASTY)] * 2),
    ):
        svg = figure_svg(figure)
        assert "<script" not in svg
        assert "\x00" not in svg
    assert "script" in similarity_figure([replace(forge_cloud(), label=NASTY)]).axes[0].texts[0].get_text()
    assert plain("_hidden") == " _hidden"
    assert plain("a\nb\tc") == "a b c"
    assert plain("\ud800\x07") == "□□"
    assert len(plain("x" * 500)) == 48
    drawn = variogram_figure([replace(one, label="_hidden"), forge_variogram("b")])
    assert _legend(drawn) == [" _hidden", "b"]


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"periplus\[plots\]"):
        variogram_figure([forge_variogram()])
    with pytest.raises(MissingExtraError, match=r"periplus\[plots\]"):
        require_matplotlib()


@pytest.mark.slow
def test_matplotlib_comes_late_and_pyplot_never() -> None:
    code = (
        "import sys, periplus.plots.spatial as s; assert 'matplotlib' not in sys.modules\n"
        "from forger_spatial import forge_variogram\n"
        "s.variogram_figure([forge_variogram()]); assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    forgers = str(Path(__file__).resolve().parents[1] / "forgers")
    subprocess.run([sys.executable, "-c", f"import sys; sys.path.append({forgers!r})\n{code}"], check=True)


def test_numbers_in_words() -> None:
    assert [number_words(x) for x in (0.1, 0.01, 5.0, 1000.0, 20000.0)] == ["0.1", "0.01", "5", "1,000", "20,000"]
    assert [count_words(x) for x in (0.1, 1, 999, 1e3, 1e5, 1e6, 1e10)] == [
        "0.1",
        "1",
        "999",
        "1 k",
        "100 k",
        "1 M",
        "10 G",
    ]
    assert [digits(x) for x in (0.0, 0.012345, 1.5, 2310.4, -0.5, 1e-9)] == [
        "0",
        "0.0123",
        "1.50",
        "2,310",
        "−0.500",
        "1.00e−09",
    ]
    assert [digits(math.nan), km_words(math.inf), signed(math.nan), percent(math.nan)] == ["–"] * 4
    assert [signed(x) for x in (-0.2254, 0.0004, -0.0004)] == ["−0.225", "0.000", "0.000"]
    assert re.fullmatch(r"0\.041 %|4\.1e.*", percent(0.00041))
