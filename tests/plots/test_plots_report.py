from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from oracle_page import PageParts
from PIL import Image
from playwright.sync_api import sync_playwright

from periplus.errors import CannotRunError
from periplus.plots import ReportEntry, write_report
from periplus.records import Density, Evidence, Fix, Match, Place, RecordedPosition

CHROMIUM = Path("/usr/bin/chromium")
NAN = float("nan")
NASTY = "<script>alert('1')</script> \"&\" 🏛️ \u202e\u05d0\u05d1"
GALLERY = (np.asarray([37.79, 37.791, NAN]), np.asarray([-122.4, -122.401, NAN]))


@pytest.fixture
def entries(tmp_path: Path) -> list[ReportEntry]:
    query, gallery = tmp_path / "fjord 🏔️ \u05d0\u05d1 & <b>.jpg", tmp_path / "gallery.png"
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    for path in (query, gallery):
        Image.fromarray(noise).save(path)
    points = np.asarray([[[10, 10], [12, 11]], [[80, 70], [82, 71]]], np.float32)
    match = Match(0, points, np.eye(3), "homography", 0.4, 2.0, (120, 90), (120, 90))
    evidence = (
        Evidence(0, NASTY, str(gallery), 37.7901, -122.4001, 2.0, match, 0.012),
        Evidence(1, "gone", str(tmp_path / "gone.jpg"), 37.7905, -122.4001, 1.0, match, 0.05),
        Evidence(2, "bare", None, 37.7905, -122.4, 0.5, None, 0.05),
    )
    density = Density(np.asarray([37.79]), np.asarray([-122.4]), np.asarray([1.0]), np.asarray([0.02]))
    good = Fix(
        lat_deg=37.79,
        lon_deg=-122.4,
        radius_km_50=0.03,
        radius_km_90=0.09,
        confidence=0.93,
        confidence_radius_km=0.1,
        abstained=None,
        evidence=evidence,
        runner_up=Place(48.0, 11.0, 0.05, NASTY),
        density=density,
        place=NASTY,
        recorded=RecordedPosition(37.7903, -122.4, "exif", 0.033),
    )
    unsure = Fix(-17.0, 179.9, 300, 900, 0.2, 25.0, NASTY)
    nothing = Fix(NAN, NAN, NAN, NAN, 0.0, 25.0, "there is nothing to match")
    return [
        ReportEntry(query, good, 0.84),
        ReportEntry(query, unsure, 0.01),
        ReportEntry(Path(f"/nowhere/{NASTY.replace('/', '')}\udcff.jpg"), nothing, 1.0),
    ]


def _written(tmp_path: Path, entries: list[ReportEntry], title: str = "Report") -> tuple[str, PageParts]:
    write_report(tmp_path / "r.html", entries, GALLERY, title)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    return page, PageParts(page)


def test_what_it_says(tmp_path: Path, entries: list[ReportEntry]) -> None:
    _, parts = _written(tmp_path, entries)
    for words in (
        "Camera position: 37.79000° N 122.40000° W, near",
        "within 30 m (50 %) / 90 m (90 %), confidence 93 %.",
        "where the camera stood, not where the thing in the picture stands",
        "93 % sure to be right within 100 m",
        "37.79030° N 122.40000° W, 33 m from the estimate; not used for the estimate",
        "(5 % of the belief, 9,400 km away)",
        "2 matching points over 40 % of the photo",
        "No answer: there is nothing to match.",
        "3 photos, 1 located, 2 without an answer.",
        "Positions in the gallery",
        "37.79° N 122.40° W · 50 m away · score 0.5",
        NASTY,
    ):
        assert words in parts.text
    assert re.search(r"gone\.jpg cannot be shown: .*no such file", parts.text)


def test_nothing_is_asked_for_and_nothing_is_injected(tmp_path: Path, entries: list[ReportEntry]) -> None:
    page, parts = _written(tmp_path, entries, NASTY)
    names = {name for name, _ in parts.tags}
    assert names.isdisjoint({"script", "iframe", "object", "embed", "base", "form", "b"})
    for name, attributes in parts.tags:
        assert not any(key.startswith("on") or key == "style" for key in attributes)
        for key in ("src", "href", "srcset", "poster", "data", "action"):
            value = attributes.get(key) or ""
            outside = name == "a" and value.startswith("https://www.openstreetmap.org/?mlat=")
            assert value == "" or value.startswith(("data:", "#")) or outside
    assert "url(" not in page.split("</style>")[0]
    assert "@import" not in page


def test_identifiers_are_unique_and_links_arrive(tmp_path: Path, entries: list[ReportEntry]) -> None:
    _, parts = _written(tmp_path, entries)
    ids = [a["id"] for _, a in parts.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for _, a in parts.tags if (a.get("href") or "").startswith("#")} <= {f"#{i}" for i in ids}


def test_pictures_and_alternatives(tmp_path: Path, entries: list[ReportEntry]) -> None:
    _, parts = _written(tmp_path, entries)
    images = [a for name, a in parts.tags if name == "img"]
    assert len(images) == 3  # two queries and one matched pair; the others are missing
    assert all(image["alt"] for image in images)


def test_a_report_of_nothing(tmp_path: Path) -> None:
    page, parts = _written(tmp_path, [])
    assert "0 photos, 0 located" in parts.text
    assert page.endswith("</html>\n")


def test_a_report_is_whole_or_not_there(
    tmp_path: Path, entries: list[ReportEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(tmp_path.iterdir())
    monkeypatch.setattr("periplus.plots.report._maps", lambda fix, gallery: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(tmp_path / "r.html", entries, GALLERY)
    assert set(tmp_path.iterdir()) == before
    with pytest.raises(CannotRunError, match="folder does not exist"):
        write_report(tmp_path / "no" / "r.html", [], GALLERY)


@pytest.fixture
def chromium() -> str:
    if not CHROMIUM.is_file():
        pytest.fail(f"This test opens the report in a browser and needs {CHROMIUM}: apt-get install chromium")
    return str(CHROMIUM)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_in_a_browser_without_network(
    tmp_path: Path, entries: list[ReportEntry], chromium: str, scheme: Literal["light", "dark"], width: int
) -> None:
    _written(tmp_path, entries, NASTY)
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
        loaded = page.eval_on_selector_all("img", "all => all.map(i => i.complete && i.naturalWidth > 0)")
        wide = page.evaluate("document.documentElement.scrollWidth")
        world = page.eval_on_selector("svg.world use", "u => u.getBBox().width")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert complaints == []
    assert loaded == [True, True, True]
    assert wide <= width
    assert world > 500
    assert paper == {"light": "rgb(248, 247, 243)", "dark": "rgb(18, 24, 29)"}[scheme]
