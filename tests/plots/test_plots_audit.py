from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from oracle_page import PageParts
from PIL import Image
from playwright.sync_api import sync_playwright

from periplus.curate import Appearance, Audit, Measured, audit_catalog, picture_statistics, signature
from periplus.curate.capture import part_of_day
from periplus.errors import CannotRunError
from periplus.plots.audit import write_audit
from periplus.plots.audit_cards import MOST_PICTURES
from periplus.plots.audit_charts import bars, clock, coverage_map, long_tail, years_chart
from periplus.plots.bars import stripe
from periplus.records import Catalog, Skip

CHROMIUM = Path("/usr/bin/chromium")
NASTY = "<script>alert('1')</script> \"&\" 🏛️ \u202e\u05d0\u05d1"
LOOKS = {
    "plain": Appearance(25.0, 15.0, 2.0, 3.0, 3.0, 7.2, 0.05, 200.0),
    "grey": Appearance(0.5, 0.2, 0.0, 0.0, 3.0, 7.2, 0.05, 200.0),
    "blurred": Appearance(25.0, 15.0, 2.0, 3.0, 0.1, 7.2, 0.05, 200.0),
    "blank": Appearance(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 255.0),
}


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    rows: list[dict[str, object]] = []
    measured: list[Measured | Skip | None] = []
    for i in range(40):
        path = tmp_path / f"{i} {'<b>&' if i == 7 else ''}.jpg"
        pixels = np.random.default_rng(i // 2 if i < 12 else i).integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        landmark = NASTY if i % 5 == 0 else f"landmark_{min(i, 9)}"
        time = f"20{10 + i % 8}-0{1 + i % 9}-03T{i % 24:02}:00:00" if i % 3 else None
        rows.append(
            {
                "id": f"{i}{NASTY if i == 7 else ''}",
                "path": str(path),
                "landmark": landmark,
                "split": "query" if i % 4 == 1 else "index",
                "taken_at": time,
                "author": NASTY,
                "lat_deg": -70.0 + 3.7 * i,
                "lon_deg": -170.0 + 8 * i,
            }
        )
        look = LOOKS[("plain", "plain", "plain", "grey", "blurred", "blank")[i % 6]]
        one = Measured(
            f"{i // 2 if i < 4 else i}", 80, 60, look, signature(pixels), picture_statistics(pixels), camera=NASTY
        )
        measured.append(one)
    rows.append({"id": "gone", "path": str(tmp_path / "gone.jpg")})
    measured.append(Skip(str(tmp_path / "gone.jpg"), "missing", NASTY))
    return audit_catalog(Catalog.from_rows(rows), measured)


def _written(tmp_path: Path, audit: Audit, title: str = "Audit") -> tuple[str, PageParts]:
    write_audit(tmp_path / "a.html", audit, title)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    return page, PageParts(page)


def test_what_it_says(tmp_path: Path, audit: Audit) -> None:
    _, parts = _written(tmp_path, audit)
    text = parts.text.replace("\u200b", "")
    for words in (
        f"{audit.flagged} of 41 photos",
        f"{audit.counts['grey']}Grey",
        "Passed over: missing 1.",
        "the same file",
        "index | query",
        "shorter side under 64 px",
        "there is no such file",
        NASTY,
    ):
        assert words in text
    assert audit.counts["grey"] == 13  # six grey photos and seven blank ones
    assert audit.counts["label_conflict"] > 0


def test_nothing_is_asked_for_and_nothing_is_injected(tmp_path: Path, audit: Audit) -> None:
    page, parts = _written(tmp_path, audit, NASTY)
    assert {name for name, _ in parts.tags}.isdisjoint({"script", "iframe", "object", "embed", "base", "form"})
    for _, attributes in parts.tags:
        assert not any(key.startswith("on") or key == "style" for key in attributes)
        for key in ("src", "href", "srcset", "poster", "data", "action"):
            assert (attributes.get(key) or "").startswith(("data:", "#")) or not attributes.get(key)
    assert "url(" not in page.split("</style>")[0]
    assert "@import" not in page


def test_identifiers_are_unique_and_links_arrive(tmp_path: Path, audit: Audit) -> None:
    _, parts = _written(tmp_path, audit)
    ids = [a["id"] for _, a in parts.tags if "id" in a]
    links = {a["href"] for _, a in parts.tags if (a.get("href") or "").startswith("#")}
    assert len(ids) == len(set(ids))
    assert links <= {f"#{one}" for one in ids}
    assert "#label-conflict" in links


def test_the_worst_are_shown_first_and_not_all(tmp_path: Path, audit: Audit) -> None:
    table = audit.findings.to_pylist()
    worse = [dict(row, grey=True, chroma=float(i)) for i, row in enumerate(table)]
    many = replace(audit, findings=type(audit.findings).from_pylist(worse, schema=audit.findings.schema))
    _, parts = _written(tmp_path, many)
    assert f"The {MOST_PICTURES} worst:" in parts.text
    assert parts.text.count("chroma ") == MOST_PICTURES + 1  # and once in the data sheet
    assert "chroma 0.0" in parts.text
    assert f"chroma {MOST_PICTURES}.0" not in parts.text


def test_a_page_of_nothing(tmp_path: Path) -> None:
    page, parts = _written(tmp_path, audit_catalog(Catalog.empty(), []))
    assert "0 of 0 photos" in parts.text
    assert page.endswith("</html>\n")


def test_a_page_is_whole_or_not_there(tmp_path: Path, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(tmp_path.iterdir())
    monkeypatch.setattr("periplus.plots.audit._how", lambda audit: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_audit(tmp_path / "a.html", audit)
    assert set(tmp_path.iterdir()) == before
    with pytest.raises(CannotRunError, match="folder does not exist"):
        write_audit(tmp_path / "no" / "a.html", audit)


def _heights(svg: str) -> list[float]:
    return [float(value) for value in re.findall(r'<rect [^>]*height="([0-9.]+)"', svg)]


def test_columns_are_as_high_as_their_numbers() -> None:
    heights = _heights(long_tail({"a": 40, "b": 20, "c": 10}, 1))
    assert heights[1] / heights[0] == pytest.approx(0.5, abs=1e-3)
    assert heights[2] / heights[0] == pytest.approx(0.25, abs=1e-3)
    # Logarithmic from half a photo: equal factors are equal steps.
    tail = _heights(long_tail({"a": 1000, "b": 100, "c": 10, "d": 1, "e": 1}, 1))
    assert tail[0] - tail[1] == pytest.approx(tail[1] - tail[2], abs=0.02)
    assert tail[3] > 0


def test_a_long_tail_is_an_outline_of_bounded_size() -> None:
    svg = long_tail({str(i): max(1, 20_000 // (i + 1)) for i in range(50_000)}, 30)
    assert "area" in svg
    assert len(svg) < 20_000
    assert "half of the photos show 30 of 50,000 landmarks" in svg


def test_sectors_have_the_area_of_their_numbers() -> None:
    hours = [0] * 24
    hours[0], hours[15] = 10, 40
    radii = [float(r) for r in re.findall(r"A([0-9.]+),", clock(hours, [part_of_day(hour) for hour in range(24)]))]
    outer, inner = radii[::2], radii[1]
    area = [math.pi * (r**2 - inner**2) for r in outer]
    assert area[0] / area[15] == pytest.approx(0.25, abs=1e-3)
    assert area[1] == pytest.approx(0, abs=1e-6)
    assert max(hours) == 40


def test_small_shares_are_seen_and_none_is_not() -> None:
    assert 'width="0.60"' in stripe(1e-6)
    assert 'width="0.00"' in stripe(0.0)
    assert "and 3 more with 6 photos" in bars({str(i): 10 - i for i in range(10)}, most=7)
    assert 'width="50.00"' in bars({"a": 5}, full=10)


def test_years_and_places_at_their_edges() -> None:
    assert years_chart({"2001": 3}).count("<rect") == 1
    assert years_chart({"1826": 1, "2026": 9}).count("<text") == 2 + 20
    poles = coverage_map(np.asarray([90.0, -90.0, 0.0]), np.asarray([0.0, 0.0, -180.0]))
    assert poles.count("<circle") == 3


@pytest.fixture
def chromium() -> str:
    if not CHROMIUM.is_file():
        pytest.fail(f"This test opens the page in a browser and needs {CHROMIUM}: apt-get install chromium")
    return str(CHROMIUM)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_in_a_browser_without_network(
    tmp_path: Path, audit: Audit, chromium: str, scheme: Literal["light", "dark"], width: int
) -> None:
    _written(tmp_path, audit, NASTY)
    address = (tmp_path / "a.html").as_uri()
    requests: list[str] = []
    complaints: list[str] = []
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=[*flags, "--disable-component-update"])
        page = browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 800}
        ).new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address, wait_until="load")
        loaded = page.eval_on_selector_all("img", "all => all.map(i => i.complete && i.naturalWidth > 0)")
        wide = page.evaluate("document.documentElement.scrollWidth")
        tile = page.evaluate("getComputedStyle(document.querySelector('.tile b')).fontSize")
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert complaints == []
    assert loaded
    assert all(loaded)
    assert wide <= width
    assert tile == "28px"  # the page's own style sheet is in force
