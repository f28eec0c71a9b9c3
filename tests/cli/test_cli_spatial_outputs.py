"""Tables, figures and pages of the spatial verbs: what is in them, and what must not be."""

from __future__ import annotations

import base64
import csv
import io
import re
import sys
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forger_spatial import forge_vectors
from PIL import Image

from periplus.sources import read_folder

N = 110
LAT, LON, VECTORS = forge_vectors(N)
VERBS = ("variogram", "similarity", "collapse")
QUICK = {"variogram": ("--lags", 12, "--fit", "exponential", "--resamples", 0), "similarity": (), "collapse": ()}
HOSTILE = [
    "<script>alert(1)</script>", "$x_1^{2}", "\x1b[31mred\x07", "a\u202eb", "_hidden", "x" * 3000, "  ", "&amp;\"'>",
    "line\nbreak", "\u6f22\u5b57 \U0001f600", "=HYPERLINK(1)", "%s{0}",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    table = {"lat": LAT, "lon": LON} | {name: LAT + 0.1 * k * LON for k, name in enumerate(HOSTILE)}
    pq.write_table(pa.table(table | {"x": LAT, "kind": [HOSTILE[k % 2] for k in range(N)]}), folder / "t.parquet")
    np.save(folder / "v.npy", VECTORS)
    return folder


@pytest.fixture
def ask(call: Any, folder: Path) -> Any:
    def asked(verb: str, *options: object) -> Any:
        quick = ("--vectors", folder / "v.npy", *QUICK[verb])
        return call("spatial", verb, folder / "t.parquet", *quick, *options)

    return asked


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]


def _check_equal(rows: list[dict[str, Any]], name: str, wanted: list[Any]) -> None:
    found = [None if row[name] is None else float(row[name]) for row in rows]
    assert [one is None for one in found] == [one is None for one in wanted]
    np.testing.assert_allclose(
        [one for one in found if one is not None], [one for one in wanted if one is not None], rtol=1e-12
    )


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".CSV"])
def test_tables_have_the_documents_numbers(ask: Any, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"table{ending}"
    done = ask("variogram", "--sectors", 2, "--table", out, "--json")
    assert done.err == f"Wrote {out}.\n"
    rows = _rows(out) if ending != ".CSV" else _rows(out.rename(tmp_path / "other.csv"))
    curves = done.document["curves"]
    assert [row["label"] for row in rows] == [one["label"] for one in curves for _ in one["gamma"]]
    for name in ("distance_km", "gamma", "count", "pairs", "standard_error", "sampling_error"):
        _check_equal(rows, name, [number for one in curves for number in one[name]])
    _check_equal(rows, "from_km", [edge for one in curves for edge in one["edges_km"][:-1]])
    _check_equal(rows, "to_km", [edge for one in curves for edge in one["edges_km"][1:]])
    for k, name in enumerate(("sector_from_deg", "sector_to_deg")):
        _check_equal(rows, name, [one["sector_deg"][k] for one in curves for _ in one["gamma"]])
    for one, part in zip(curves, (rows[:12], rows[12:]), strict=True):
        model = one["models"][0]
        h = np.array([np.nan if km is None else km for km in one["distance_km"]])
        gamma = model["nugget"] + model["partial_sill"] * (1 - np.exp(-h / model["length_scale_km"]))
        _check_equal(part, "model", [None if np.isnan(value) else value for value in gamma.tolist()])


def test_tables_of_similarity_and_collapse(ask: Any, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        out = tmp_path / f"similarity.{ending}"
        classes = ask("similarity", "--table", out, "--json").document["encoders"][0]["classes"]
        held = [k for k, pairs in enumerate(classes["pairs"]) if pairs]
        rows = _rows(out)
        assert list(rows[0]) == ["label", "from_km", "to_km", "pairs", "mean", "q05", "q25", "q50", "q75", "q95"]
        for name in ("pairs", "mean"):
            _check_equal(rows, name, [classes[name][k] for k in held])
        _check_equal(rows, "from_km", [classes["edges_km"][k] for k in held])
        for q, name in enumerate(("q05", "q25", "q50", "q75", "q95")):
            _check_equal(rows, name, [classes["quantiles"][k][q] for k in held])
        out = tmp_path / f"collapse.{ending}"
        spaces = ask("collapse", "--whiten", "--table", out, "--json").document["encoders"]
        rows = _rows(out)
        assert [row["label"] for row in rows] == [space["label"] for space in spaces]
        for name in list(rows[0])[1:]:
            _check_equal(rows, name, [space[name] for space in spaces])


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_figures_and_pages(ask: Any, tmp_path: Path, verb: str) -> None:
    plain = ask(verb, "--json")
    for ending in ("png", "svg", "pdf"):
        more = ("--html", tmp_path / "page.html") if ending == "png" else ()
        out = tmp_path / f"figure.{ending}"
        done = ask(verb, "--figure", out, *more, "--json")
        assert done.status == 0
        assert done.out == plain.out
        assert f"Wrote {out}.\n" in done.err
        data = out.read_bytes()
        if ending == "png":
            with Image.open(io.BytesIO(data)) as picture:
                assert picture.size[0] > 900
        elif ending == "svg":
            assert ET.fromstring(data).tag.endswith("svg")
        else:
            assert data.startswith(b"%PDF-1.")
            assert data.rstrip().endswith(b"%%EOF")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.pdf", "figure.png", "figure.svg", "page.html"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("option", "name", "status", "words"),
    [
        ("--table", "a.txt", 2, "a table ends in .csv or .parquet"),
        ("--table", "none/a.csv", 3, "its folder does not exist"),
        ("--table", ".", 2, "a table ends in"),
        ("--figure", "a.jpg", 2, "a figure ends in .png, .svg or .pdf"),
        ("--figure", "none/a.png", 3, "its folder does not exist"),
        ("--html", "none/a.html", 3, "its folder does not exist"),
        ("--html", ".", 3, "there is a folder of this name"),
    ],
)
def test_files_that_cannot_be_written(
    ask: Any, tmp_path: Path, verb: str, option: str, name: str, status: int, words: str
) -> None:
    done = ask(verb, option, tmp_path / name)
    assert (done.status, done.out) == (status, "")
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", VERBS)
def test_without_matplotlib(ask: Any, tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert ask(verb, "--table", tmp_path / "t.csv").status == 0
    for option in ("--figure", "--html"):
        done = ask(verb, option, tmp_path / "a.png", "--table", tmp_path / "u.csv")
        assert (done.status, done.out) == (3, "")
        assert done.err == (
            "Drawing a figure needs an optional package. Install it with: pip install 'periplus[plots]'\n"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_without_torch(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert all(ask(verb).status == 0 for verb in VERBS)
    done = ask("variogram", "--device", "cpu")
    assert (done.status, done.out) == (3, "")
    assert "pip install 'periplus[learn]'" in done.err


def _check_harmless(text: str) -> None:
    for line in text.splitlines():
        assert not {unicodedata.category(one) for one in line} & {"Cc"}
        assert "\u202e" not in line


@pytest.mark.slow
def test_hostile_columns_and_groups(call: Any, folder: Path, tmp_path: Path) -> None:
    columns = [part for name in HOSTILE for part in ("--values", name)]
    files = ("--figure", tmp_path / "a.svg", "--html", tmp_path / "a.html", "--table", tmp_path / "a.csv")
    done = call("spatial", "variogram", folder / "t.parquet", *columns, "--lags", 6, "--fit", "none", *files)
    assert done.status == 0
    _check_harmless(done.out)
    _check_harmless(done.err)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    ET.fromstring((tmp_path / "a.svg").read_bytes())
    assert {row["label"] for row in _rows(tmp_path / "a.csv")} == set(HOSTILE)
    grouped = ("--values", "x", "--by", "kind", "--lags", 6, "--fit", "none", "--html", tmp_path / "b.html")
    done = call("spatial", "variogram", folder / "t.parquet", *grouped, "--figure", tmp_path / "b.png")
    assert done.status == 0
    assert "<script>alert" not in (tmp_path / "b.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_hostile_files_and_ids(call: Any, tmp_path: Path) -> None:
    names = ["<script>alert(1)<", "$x_1^{2}$", "\x1b[31mred", "a\u202eb"]
    ids = [f"{names[k % 4]}{k}" for k in range(N)]
    table = {"lat": LAT, "lon": LON, "id": ids, "landmark": [names[k % 4] for k in range(N)]}
    folder = tmp_path / "<b>$a_1\u202e"
    folder.mkdir()
    pq.write_table(pa.table(table), folder / "<i>.parquet")
    vectors = folder / "<script>alert(2)&$_^.npy"
    np.save(vectors, VECTORS)
    for verb in VERBS:
        files = ("--figure", tmp_path / "a.svg", "--html", tmp_path / "a.html")
        done = call("spatial", verb, folder / "<i>.parquet", "--vectors", vectors, *QUICK[verb], *files)
        assert done.status == 0, done.err
        _check_harmless(done.out)
        _check_harmless(done.err)
        page = (tmp_path / "a.html").read_text(encoding="utf-8")
        assert "<script>alert" not in page
        assert "<i>.parquet" not in page
        ET.fromstring((tmp_path / "a.svg").read_bytes())


def _photos(folder: Path) -> list[str]:
    """A folder of photos that know where they were taken; returns how their positions might be written."""
    told = []
    rng = np.random.default_rng(4)
    for k in range(9):
        lat, lon = 41 + rng.uniform(), 12 + rng.uniform()
        exif = Image.Exif()
        gps = exif.get_ifd(0x8825)
        for tag, value, ref in ((1, lat, "N"), (3, lon, "E")):
            degrees, minutes = int(value), (value - int(value)) * 60
            gps[tag], gps[tag + 1] = ref, (degrees, int(minutes), round((minutes - int(minutes)) * 60, 4))
            told.append(f"{value:.6f}"[:7])
        exif[0x8825] = gps
        noise = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((160, 160), Image.Resampling.BICUBIC)
        picture.save(folder / f"{k}.jpg", exif=exif)
    return told


def test_positions_of_photos_are_private(call: Any, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    secret = _photos(photos)
    cache = ("--encoder", "vlad", "--cache", tmp_path / "cache", "--jobs", 1)
    lat, lon = read_folder(photos).catalog.positions
    assert [f"{one:.6f}"[:7] for pair in zip(lat, lon, strict=True) for one in pair] == secret
    for verb in ("variogram", "similarity"):
        files = ("--table", tmp_path / "t.csv", "--figure", tmp_path / "f.svg", "--html", tmp_path / "p.html")
        done = call("spatial", verb, photos, *cache, *QUICK[verb], *files, "--json")
        assert done.status == 0, done.err
        page = (tmp_path / "p.html").read_text(encoding="utf-8")
        texts = [done.out, done.err, page, (tmp_path / "t.csv").read_text(), (tmp_path / "f.svg").read_text()]
        assert done.document["sources"][0]["photos"] == 9
        for text in texts:
            assert not [one for one in secret if one in text]
            assert str(tmp_path / "photos/") not in text.replace(f'"source": "{photos}"', "") or text is done.err
        thumbnails = [base64.b64decode(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)]
        assert (len(thumbnails) > 0) == (verb == "similarity")
        assert not [one for one in thumbnails if b"Exif" in one]
