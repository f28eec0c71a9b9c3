"""World-wide answers: on the page, in a browser, and as a figure."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from oracle_page import PageParts
from PIL import Image
from playwright.sync_api import sync_playwright

from periplus.errors import UsageError
from periplus.geo import destination, distance_km
from periplus.plots import ReportEntry, world_figure, write_report
from periplus.plots.places import area_bars, carried_bar
from periplus.plots.words import areas_words, carried_words
from periplus.records import Area, Density, Evidence, Fix, Place, RecordedPosition

CHROMIUM = Path("/usr/bin/chromium")
NAN = float("nan")
NASTY = '<b>Fiji</b> & "co" \u0001 🏝️'
NOWHERE = (np.zeros(0), np.zeros(0))


def _cloud(*places: tuple[float, float, float, float]) -> Density:
    """A belief of 150 kernels round each place (latitude, longitude, share, spread in km)."""
    rng = np.random.default_rng(0)
    lat, lon, weights, sigma = [], [], [], []
    for a, b, share, spread in places:
        there = destination(a, b, rng.uniform(0, 360, 150), np.abs(rng.normal(0, spread, 150)))
        lat.append(there[0])
        lon.append(there[1])
        weights.append(share * rng.dirichlet(np.full(150, 0.5)))
        sigma.append(rng.uniform(40, 260, 150))
    w = np.concatenate(weights)
    return Density(np.concatenate(lat), np.concatenate(lon), w / w.sum(), np.concatenate(sigma))


def _fix(lat: float, lon: float, density: Density) -> Fix:
    rows = np.argsort(-density.weights)[:10].tolist()
    evidence = tuple(
        Evidence(row, f"row {row}", None, float(a), float(b), float(density.weights[row]), None, float(km))
        for row, a, b, km in zip(
            rows,
            density.lat_deg[rows],
            density.lon_deg[rows],
            distance_km(lat, lon, density.lat_deg[rows], density.lon_deg[rows]),
            strict=True,
        )
    )
    return Fix(lat, lon, 420, 7800, 0.12, 25, None, evidence, density=density, place=NASTY)


@pytest.fixture(scope="module")
def fixes() -> list[Fix]:
    """Two places, one across the date line; one at a pole; an abstention with a guess; one without."""
    areas = (
        Area("country", NASTY, "FJ", 0.41),
        Area("country", "France", "FR", 0.22),
        Area("country", "United Kingdom of Great Britain and Northern Ireland", "GB", 0.03),
        Area("region", "Auvergne-Rhône-Alpes, France", "FR", 0.11),
        Area("city", "Lyon, Auvergne-Rhône-Alpes, France", "FR", 0.04),
    )
    two = replace(
        _fix(-17.2, 179.6, _cloud((-18, 179, 0.6, 500), (45, 4, 0.4, 400))),
        runner_up=Place(45.7, 4.8, 0.31, "Lyon, France"),
        recorded=RecordedPosition(-20, -175, "exif", 580),
        areas=areas,
        carried_by={"positions": 0.7, "photos": 0.2, "magic": 0.1},
    )
    polar = _fix(86.1, 31, _cloud((86, 30, 0.8, 500), (-85, 100, 0.2, 900)))
    unsure = replace(_fix(10, 100, _cloud((0, 20, 1, 8000))), abstained="the belief is spread over the world")
    return [two, polar, unsure, replace(unsure, lat_deg=NAN, lon_deg=NAN, evidence=())]


@pytest.fixture
def entries(tmp_path: Path, fixes: list[Fix]) -> list[ReportEntry]:
    query = tmp_path / "query.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)).save(query)
    return [ReportEntry(query, fix, 0.4) for fix in fixes]


def _written(tmp_path: Path, entries: list[ReportEntry]) -> tuple[str, PageParts]:
    write_report(tmp_path / "r.html", entries, NOWHERE)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    return page, PageParts(page)


def test_what_the_page_says(tmp_path: Path, entries: list[ReportEntry]) -> None:
    page, parts = _written(tmp_path, entries)
    for words in (
        "Camera position: 17.2° S 179.6° E, near <b>Fiji</b>",
        "within 420 km (50 %) / 7,800 km (90 %), confidence 12 %.",
        "No answer: the belief is spread over the world (best guess",
        "France22 %",
        "elsewhere34 %",
        "LyonAuvergne-Rhône-Alpes, France4 %",
        "the world model 70 %photos that look alike 20 %magic 10 %",
        "Positions in the gallery",
        "2 more positions speak for it.",
        "the world’s average probability per area",
        "smallest region with 50 %",
    ):
        assert words in parts.text
    assert page.count('class="world wide"') == 4
    assert page.count("Around the estimate") == 3
    assert "no gallery photo speaks" not in page
    assert len(page) < 600_000


def test_nothing_is_injected_and_links_arrive(tmp_path: Path, entries: list[ReportEntry]) -> None:
    _, parts = _written(tmp_path, entries)
    assert {name for name, _ in parts.tags}.isdisjoint({"script", "b", "iframe", "object"})
    ids = [a["id"] for _, a in parts.tags if "id" in a]
    assert len(ids) == len(set(ids))
    inner = {a["href"] for _, a in parts.tags if (a.get("href") or "").startswith("#")}
    inner |= {f"#{(a.get('clip-path') or '')[5:-1]}" for _, a in parts.tags if "clip-path" in a}
    assert inner <= {f"#{i}" for i in ids}
    assert {"#world", "#coasts", "#rim"} <= inner


def test_photos_and_positions_stand_together(tmp_path: Path, fixes: list[Fix]) -> None:
    photo = tmp_path / "p.png"
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(photo)
    seen = Evidence(99, "neighbour", str(photo), -17.0, 179.0, 0.9, None, 66.0)
    fix = replace(fixes[0], evidence=(seen, *fixes[0].evidence))
    _, parts = _written(tmp_path, [ReportEntry(photo, fix, 0.1)])
    assert "1 neighbour · score 0.9 · 66 km from the estimate" in parts.text
    assert "3 more positions speak for it." not in parts.text
    assert "2 more positions speak for it." in parts.text
    assert len([name for name, _ in parts.tags if name == "img"]) == 2


def test_bars_and_shares() -> None:
    assert area_bars(()) == carried_bar({}) == ""
    bars = area_bars([Area("country", "Chad", "TD", 0.5), Area("city", "Faya, Chad", "TD", 0.1)])
    assert re.findall(r'rect width="([\d.]+)"', bars) == ["100.00", "20.00"]  # one scale for all
    shares = carried_bar({"texts": 0.25, "positions": 0.75})
    starts = re.findall(r'x="([\d.]+)" width="([\d.]+)" height="1" class="(\w+)"', shares)
    assert starts == [("0.00", "75.00", "positions"), ("75.00", "25.00", "texts")]


def test_words() -> None:
    areas = [Area("country", name, "XX", p) for name, p in (("A", 0.5), ("B", 0.2), ("C", 0.1), ("D", 0.004))]
    assert areas_words(areas, "country") == "A 50 %, B 20 %, C 10 %"
    assert areas_words(areas, "city") == ""
    assert carried_words({"photos": 0.2, "positions": 0.8}) == "the world model 80 %, photos that look alike 20 %"


def test_the_figure_stands_alone(fixes: list[Fix]) -> None:
    for fix in fixes:
        svg = world_figure(fix, f"Query {NASTY}")
        root = ET.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(svg) < 300_000
        told = "".join(root.itertext())
        for words in (
            "Query <b>Fiji</b>",
            "smallest region with 50 %",
            "Equal Earth projection",
            "average probability",
        ):
            assert words in told
        ids = re.findall(r' id="(\w+)"', svg)
        assert set(re.findall(r'href="#(\w+)"', svg)) | set(re.findall(r"url\(#(\w+)\)", svg)) <= set(ids)
        assert len(ids) == len(set(ids))
    assert "France 22 %" in world_figure(fixes[0])
    with pytest.raises(UsageError, match="no density"):
        world_figure(replace(fixes[0], density=None))


@pytest.fixture
def chromium() -> str:
    if not CHROMIUM.is_file():
        pytest.fail(f"This test opens the report in a browser and needs {CHROMIUM}: apt-get install chromium")
    return str(CHROMIUM)


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(
    '.areas dt, .areas dd, .positions li, .legend li, h3, h4, .maps, .around svg[role]')]
    .map(e => e.getBoundingClientRect()).filter(r => r.width && r.height);
  let bad = 0;
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const a = boxes[i], b = boxes[j];
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
        Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1) bad++;
  }
  return bad;
}"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_in_a_browser_without_network(
    tmp_path: Path, entries: list[ReportEntry], chromium: str, scheme: Literal["light", "dark"], width: int
) -> None:
    _written(tmp_path, entries)
    (tmp_path / "f.svg").write_text(world_figure(entries[0].fix), encoding="utf-8")
    address = (tmp_path / "r.html").as_uri()
    requests: list[str] = []
    complaints: list[str] = []
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 800}
        ).new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address, wait_until="load")
        wide = page.evaluate("document.documentElement.scrollWidth")
        maps = page.eval_on_selector_all("svg.wide", "all => all.map(m => m.getBoundingClientRect().width)")
        tint = page.eval_on_selector("svg.wide .heat", "i => getComputedStyle(i).filter")
        coast = page.eval_on_selector("svg.wide use.coast", "u => u.getBBox().width")
        overlaps = page.evaluate(OVERLAPS)
        before = page.locator("svg.wide").first.screenshot()
        page.eval_on_selector("svg.wide image", "i => i.remove()")
        after = page.locator("svg.wide").first.screenshot()
        page.goto((tmp_path / "f.svg").as_uri(), wait_until="load")
        figure = page.evaluate("document.querySelectorAll('image, path').length")
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [address, (tmp_path / "f.svg").as_uri()]
    assert complaints == []
    assert wide <= width
    assert all(0.8 * min(width, 1040) < m <= width for m in maps)
    assert (tint == "none") == (scheme == "light")
    assert coast > 500
    assert overlaps == 0
    assert before != after  # the tint is seen
    assert figure > 5
