from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from forger_spatial import forge_cloud, forge_collapse, forge_fit, forge_variogram, forge_vectors
from oracle_page import PageParts
from PIL import Image
from playwright.sync_api import sync_playwright

from periplus.errors import UsageError
from periplus.plots.spatial import About, collapse_page, similarity_page, variogram_figure, variogram_page
from periplus.plots.spatial.inline_svg import inline_svg
from periplus.plots.spatial.pictures import Photos
from periplus.plots.spatial.similarity_words import similarity_tells
from periplus.plots.spatial.words import between, correlation_words
from periplus.spatial.clouds.correlation import Correlation
from periplus.spatial.fitting.models import VariogramModel

CHROMIUM = Path("/usr/bin/chromium")
NASTY = "<script>alert('1')</script> \"&\" 🏛️ \u202e\u05d0\u05d1 $\\frac{"
ABOUT = About(NASTY, NASTY, NASTY, 7, {NASTY: NASTY})
CLOUD = forge_cloud(NASTY)
COLLAPSE = forge_collapse(NASTY)
NAMES = ("Photo.jpg", "<b>&'\".jpg", "no picture.jpg", "gone.jpg")


@pytest.fixture
def photos(tmp_path: Path) -> list[str | None]:
    for k, name in enumerate(NAMES[:2]):
        Image.fromarray(np.full((60, 80, 3), 40 * k, np.uint8)).save(tmp_path / name)
    (tmp_path / NAMES[2]).write_text("no picture")
    files: list[str | None] = [str(tmp_path / NAMES[k % 4]) for k in range(160)]
    return [None if k % 9 == 0 else file for k, file in enumerate(files)]


def _variograms(_photos: Photos = ()) -> str:
    fits = [forge_fit(NASTY, aic=-3), forge_fit(NASTY, VariogramModel("gaussian", 0.1, 0.9, 9000.0), aic=-2)]
    return variogram_page([forge_variogram(NASTY, sampled=True)], fits, ABOUT, log_distance=True)


def _similarities(photos: Photos) -> str:
    return similarity_page([CLOUD], [photos], ABOUT)


def _collapses(photos: Photos) -> str:
    return collapse_page([COLLAPSE, replace(COLLAPSE, label="whitened")], [photos] * 2, ABOUT)


PAGES: dict[str, Callable[[Photos], str]] = {
    "variogram": _variograms,
    "similarity": _similarities,
    "collapse": _collapses,
}


@pytest.mark.parametrize("kind", PAGES)
def test_nothing_is_asked_for_and_nothing_is_injected(kind: str, photos: Photos) -> None:
    page = PAGES[kind](photos)
    parts = PageParts(page)
    assert {name for name, _ in parts.tags}.isdisjoint({"script", "iframe", "object", "embed", "base", "form", "b><"})
    for _, attributes in parts.tags:
        assert not any(key.startswith("on") or key == "style" for key in attributes)
        for key in ("src", "href", "srcset", "poster", "data", "action"):
            assert (attributes.get(key) or "").startswith(("data:", "#")) or not attributes.get(key)
    head, _, rest = page.partition("<style>")
    style = rest.partition("</style>")[0]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in head
    assert rest.count("<style") == 0
    assert NASTY in parts.text
    assert page.endswith("</html>\n")


@pytest.mark.parametrize("kind", PAGES)
def test_identifiers_are_unique_and_uses_find_them(kind: str, photos: Photos) -> None:
    page = PAGES[kind](photos)
    parts = PageParts(page)
    ids = [a["id"] for _, a in parts.tags if "id" in a]
    assert len(ids) == len(set(ids))
    used = {a["href"] for name, a in parts.tags if name == "use"} | {
        f"#{one}" for one in re.findall(r"url\(#([^)]+)\)", page)
    }
    assert used <= {f"#{one}" for one in ids}
    assert len(used) > 10


def test_positions_stay_private(photos: Photos) -> None:
    lat, lon, _ = forge_vectors()
    for made in (_variograms, _similarities):
        text = PageParts(made(photos)).text
        for degrees in (*lat.tolist(), *lon.tolist()):
            assert f"{degrees:.3f}" not in text


def test_what_a_page_of_semivariograms_says() -> None:
    one = forge_variogram("a", sampled=True)
    page = variogram_page(
        [one], [forge_fit("a", VariogramModel("spherical", 0.1, 0.9, 9000.0), -1), forge_fit("a")], ABOUT
    )
    text = PageParts(page).text
    for words in (
        "a sample of 11,642 of 81,494 pairs",
        "half the mean squared difference (Matheron 1963)",
        "Of 2 models the best by AIC is the exponential one.",
        "Beyond 2,100 km (1,800 to 2,490 km) distance tells next to nothing more",
        "1 of 10 lags has fewer than 30 pairs and 1 has none;",
        "0.150 to 0.270",
        "39.0",
        "fewer than 30 pairs: not to be relied on",
        "length_scale_km is L in the formula",
        "range and sill are extrapolated",
    ):
        assert words in text, words
    assert text.index("exponential") < text.index("spherical")
    cells = re.findall(r'<td class="number-cell">([^<]*)</td>', page)
    assert f"{one.count[4]:,}" in cells
    assert f"{one.gamma[4]:.4f}" in cells


def test_several_curves_are_folded_and_named() -> None:
    page = variogram_page([forge_variogram("first"), forge_variogram("second")], [forge_fit("second")], ABOUT)
    parts = PageParts(page)
    assert [name for name, _ in parts.tags].count("details") == 2
    assert "2 curves" in parts.text
    none = replace(forge_variogram("none"), count=np.zeros(10, np.int64))
    assert "There are no pairs in any lag." in variogram_page([none, forge_variogram()], [], ABOUT)
    plain = variogram_page([forge_variogram()], [], ABOUT)
    assert "Fitted models" not in PageParts(plain).text


def test_what_a_page_of_similarity_says(photos: Photos) -> None:
    page = _similarities(photos)
    parts = PageParts(page)
    text = parts.text.replace("\u200b", "")
    worst = CLOUD.far_alike[0]
    for words in (
        "all 12,720 pairs of 160 photos",
        correlation_words(CLOUD.spearman),
        correlation_words(CLOUD.pearson_log),
        f"similarity {worst.similarity:.3f}".replace("-", "−"),
        "no file is recorded",
        "there is no such file",
        NAMES[1],
        "Far but alike",
        "Near but unlike",
    ):
        assert words in text, words
    pairs = len(CLOUD.far_alike) + len(CLOUD.near_unlike)
    assert pairs == 12
    classes = [a.get("class") for _, a in parts.tags]
    assert classes.count("group") == pairs
    shown = sum(1 for name, a in parts.tags if name == "img") + classes.count("missing")
    assert shown == 2 * pairs


def test_what_a_page_of_collapse_says(photos: Photos) -> None:
    parts = PageParts(_collapses(photos))
    text = parts.text.replace("\u200b", "")
    assert all(sentence in text for sentence in COLLAPSE.findings)
    hubness = COLLAPSE.hubness
    assert hubness is not None
    assert text.count(f"{hubness.hub_occurrence[0]:,} times") >= 2
    assert f"Hubs, {NASTY}" in text
    bare = replace(COLLAPSE, hubness=None, intrinsic_dimension=None, alignment=None, label="")
    assert "Hubs," not in PageParts(collapse_page([bare], [[]], ABOUT)).text


def test_files_are_wanted_for_every_row_that_is_shown() -> None:
    with pytest.raises(UsageError, match="files of 1 photos"):
        similarity_page([CLOUD], [[None]], ABOUT)
    with pytest.raises(UsageError, match="files of 0 photos"):
        collapse_page([COLLAPSE], [[]], ABOUT)


def test_an_svg_keeps_its_look_without_style() -> None:
    svg = inline_svg(variogram_figure([forge_variogram()]), "one", '<&">')
    assert "style" not in svg
    assert "#0072b2" in svg.lower()
    assert 'aria-label="&lt;&amp;&quot;&gt;"' in svg
    assert 'id="one-axes_1"' in svg
    assert "one-patch_1" not in svg
    assert "stroke-dasharray" in svg


def test_words_follow_the_numbers() -> None:
    def first(low: float, value: float, high: float) -> str:
        return similarity_tells(replace(CLOUD, spearman=Correlation(value, low, high)))[1]

    assert first(-0.4, -0.3, -0.2).startswith("Similarity weakly falls with distance")
    assert first(0.5, 0.6, 0.7).startswith("Similarity strongly rises")
    assert first(-0.1, 0.0, 0.1).startswith("Similarity does not follow distance")
    assert first(math.nan, -0.05, math.nan).startswith("Similarity hardly falls")
    none = Correlation(math.nan, math.nan, math.nan, "all are alike")
    assert "all are alike" in similarity_tells(replace(CLOUD, spearman=none))[1]
    assert between(161, 4.4e9, "km") == "161 km or more"
    assert between(161, 4400, "km") == "161 to 4,400 km"
    assert between(math.nan, 1) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_in_a_browser_without_network(
    tmp_path: Path, photos: Photos, scheme: Literal["light", "dark"], width: int
) -> None:
    if not CHROMIUM.is_file():
        pytest.fail(f"This test opens pages in a browser and needs {CHROMIUM}: apt-get install chromium")
    for kind, made in PAGES.items():
        (tmp_path / f"{kind}.html").write_text(made(photos), encoding="utf-8")
    requests: list[str] = []
    complaints: list[str] = []
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=[*flags, "--disable-component-update"])
        page = browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 800}
        ).new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for kind in PAGES:
            page.goto((tmp_path / f"{kind}.html").as_uri(), wait_until="load")
            loaded = page.eval_on_selector_all("img", "all => all.map(i => i.complete && i.naturalWidth > 0)")
            assert all(loaded)
            assert bool(loaded) == (kind != "variogram")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            box = page.evaluate(
                "(b => [b.width, b.height])(document.querySelector('svg.plot').getBoundingClientRect())"
            )
            assert min(box) > 100
            turned = page.evaluate("getComputedStyle(document.querySelector('svg.plot')).filter")
            assert ("invert" in turned) == (scheme == "dark")
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [
        (tmp_path / f"{kind}.html").as_uri() for kind in PAGES
    ]
    assert complaints == []
