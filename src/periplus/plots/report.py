"""The HTML report: for every query the answer, the map and the evidence, in one file that opens offline."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import PhotoError
from periplus.geo import Neighbours, distance_km
from periplus.photos import jpeg_thumbnail
from periplus.plots.land import world_symbol
from periplus.plots.lines import draw_match
from periplus.plots.map import local_map, region_map, world_map
from periplus.plots.page import legend, page_foot, page_head
from periplus.plots.svg import Markup, join, tag
from periplus.plots.words import answer_words, distance_words, percent_words, position_decimals, position_words
from periplus.records import Evidence, Fix
from periplus.store.atomic import atomic_path

MOST_CARDS: Final = 6
_PHOTO_PX: Final = 760


@dataclass(frozen=True)
class ReportEntry:
    """One query and its answer.

    Attributes:
        query_path: the photo.
        fix: where it was taken.
        seconds: how long it took to say so.
    """

    query_path: Path
    fix: Fix
    seconds: float


def write_report(
    path: Path | str,
    entries: Sequence[ReportEntry],
    gallery_positions: tuple[NDArray[np.float64], NDArray[np.float64]],
    title: str = "Where these photos were taken",
) -> None:
    """Write the report, whole or not at all.

    The file asks for nothing from anywhere: pictures, maps and styles are in it, scripts there are none.

    Args:
        path: the HTML file.
        entries: one a query, in the order of the report.
        gallery_positions: latitudes and longitudes (n,) in degrees of the gallery's photos; NaN where unknown.
        title: of the page.

    Raises:
        CannotRunError: the file cannot be written.
    """
    gallery = Neighbours(*gallery_positions)
    with atomic_path(Path(path)) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(page_head(title))
        file.write(tag("svg", world_symbol(), width=0, height=0, aria_hidden="true"))
        file.write(_header(title, entries))
        for number, entry in enumerate(entries, 1):
            file.write(_section(number, entry, gallery))
        file.write(page_foot())


def _header(title: str, entries: Sequence[ReportEntry]) -> Markup:
    answered = sum(entry.fix.answered for entry in entries)
    photos = "1 photo" if len(entries) == 1 else f"{len(entries):,} photos"
    summary = f"{photos}, {answered:,} located, {len(entries) - answered:,} without an answer."
    parts = [tag("h1", tag("bdi", title)), tag("p", summary, class_="soft")]
    if len(entries) > 1:
        head = tag("tr", *(tag("th", name) for name in ("Photo", "Camera position", "90 % within", "Confidence")))
        rows = (_summary_row(number, entry) for number, entry in enumerate(entries, 1))
        parts.append(tag("table", tag("thead", head), tag("tbody", *rows)))
    return tag("header", *parts)


def _summary_row(number: int, entry: ReportEntry) -> Markup:
    fix = entry.fix
    where: Markup | str = fix.place or position_words(fix.lat_deg, fix.lon_deg, fix.radius_km_90)
    if fix.abstained is not None:
        where = tag("span", "no answer: ", fix.abstained, class_="soft")
    radius = distance_words(fix.radius_km_90) if fix.answered else "–"
    link = tag("a", tag("bdi", entry.query_path.name), href=f"#photo-{number}")
    return tag("tr", tag("td", link), tag("td", where), tag("td", radius), tag("td", percent_words(fix.confidence)))


def _section(number: int, entry: ReportEntry, gallery: Neighbours) -> Markup:
    fix = entry.fix
    photo = _photo(entry.query_path, f"The photo {entry.query_path.name}")
    words = [
        tag("h2", tag("bdi", entry.query_path.name)),
        tag("p", answer_words(fix), class_="answer"),
        _meter(fix.confidence),
        tag("p", "This is where the camera stood, not where the thing in the picture stands.", class_="soft"),
        _facts(entry),
    ]
    top = tag("div", tag("div", photo), tag("div", *words), class_="top")
    return tag("section", top, _maps(fix, gallery), _evidence(entry), id=f"photo-{number}")


def _meter(confidence: float) -> Markup:
    bar = tag("svg", tag("rect", width=100 * confidence, height=1), viewBox="0 0 100 1", preserveAspectRatio="none")
    return tag("div", bar, class_="meter", role="img", aria_label=f"Confidence {percent_words(confidence)}")


def _facts(entry: ReportEntry) -> Markup:
    fix = entry.fix
    facts: list[tuple[str, str]] = []
    if _guessed(fix):
        sure = f"{percent_words(fix.confidence)} sure to be right within {distance_words(fix.confidence_radius_km)}"
        facts.append(("Confidence", sure))
        facts.append(("Look it up", _openstreetmap(fix.lat_deg, fix.lon_deg, fix.radius_km_90)))
    if (said := fix.recorded) is not None:
        there = position_words(said.lat_deg, said.lon_deg)
        apart = "" if said.distance_km is None else f", {distance_words(said.distance_km)} from the estimate"
        facts.append((f"File says ({said.source.upper()})", f"{there}{apart}; not used for the estimate"))
    if (other := fix.runner_up) is not None:
        share = f"{percent_words(other.weight)} of the belief"
        if _guessed(fix):
            km = float(distance_km(fix.lat_deg, fix.lon_deg, other.lat_deg, other.lon_deg))
            share += f", {distance_words(km)} away"
        name = other.name or position_words(other.lat_deg, other.lon_deg, 1.0)
        facts.append(("Next best place", f"{name} ({share})"))
    facts.append(("Time taken", f"{entry.seconds:.1f} s" if entry.seconds >= 0.1 else "under 0.1 s"))
    return tag("dl", *(join([tag("dt", name), tag("dd", value)]) for name, value in facts))


def _openstreetmap(lat_deg: float, lon_deg: float, radius_km: float) -> Markup:
    # The map tile that is about four radii wide; the numbers claim no more than the words do.
    wide = max(radius_km, 0.05) if math.isfinite(radius_km) else 1000.0
    zoom = min(max(round(math.log2(40_000 / (4 * wide))), 2), 18)
    place = f"mlat={lat_deg:.5f}&mlon={lon_deg:.5f}#map={zoom}/{lat_deg:.5f}/{lon_deg:.5f}"
    decimals = position_decimals(radius_km)
    told = f"{lat_deg:.{decimals}f}, {lon_deg:.{decimals}f}"
    link = tag("a", "OpenStreetMap", href=f"https://www.openstreetmap.org/?{place}", rel="noreferrer noopener")
    return join([told, " (", link, ")"])


def _maps(fix: Fix, gallery: Neighbours) -> Markup:
    if not _guessed(fix):
        return tag("div", world_map(fix), class_="maps alone")
    insets = [part for part in (region_map(fix), world_map(fix)) if part is not None]
    names = ["estimate" if fix.answered else "best guess (not offered as an answer)", "50 % and 90 %"]
    signs = (
        ("belief", fix.density is not None),
        ("evidence", bool(fix.evidence)),
        ("gallery photos", len(gallery) > 0),
        ("next best place", fix.runner_up is not None),
        ("recorded in the file", fix.recorded is not None),
    )
    names += [name for name, there in signs if there]
    maps = tag("div", local_map(fix, gallery), tag("div", *insets, class_="insets"), class_="maps")
    return join([tag("h3", "Map"), maps, legend(names)])


def _evidence(entry: ReportEntry) -> Markup:
    evidence = entry.fix.evidence
    if not evidence:
        return tag("p", "There is no evidence: no gallery photo speaks for a place.", class_="soft")
    cards = [_card(entry.query_path, number, item) for number, item in enumerate(evidence[:MOST_CARDS], 1)]
    parts = [tag("h3", "Evidence"), tag("div", *cards, class_="cards")]
    if len(evidence) > MOST_CARDS:
        parts.append(tag("p", f"{len(evidence) - MOST_CARDS:,} more photos speak for it.", class_="soft"))
    return join(parts)


def _card(query: Path, number: int, evidence: Evidence) -> Markup:
    told = [f" · score {evidence.score:.3g} · {distance_words(evidence.distance_km)} from the estimate"]
    match = evidence.match
    if match is not None and match.inliers:
        told.append(f" · {match.inliers} matching points over {percent_words(match.coverage)} of the photo")
    caption = tag("figcaption", tag("span", str(number), class_="badge"), " ", tag("bdi", evidence.id), *told)
    return tag("figure", _proof(query, number, evidence), caption)


def _proof(query: Path, number: int, evidence: Evidence) -> Markup:
    """The matched pair; without a match the gallery photo; without that a note."""
    if evidence.path is None:
        return tag("div", "A bare position without a picture.", class_="missing")
    label = f"Evidence {number}: {evidence.id}"
    match = evidence.match
    if match is not None and match.inliers:
        try:
            return _image(draw_match(query, evidence.path, match), f"{label}, matched with the query")
        except PhotoError:
            pass  # Perhaps only the query is gone: the gallery photo alone, or the note about it, comes next.
    return _photo(Path(evidence.path), label)


def _photo(path: Path, label: str) -> Markup:
    try:
        return _image(jpeg_thumbnail(path, _PHOTO_PX), label)
    except PhotoError as error:
        note = tag("p", "The picture ", tag("bdi", path.name), f" cannot be shown: {error.reason}")
        return tag("div", note, class_="missing")


def _image(jpeg: bytes, label: str) -> Markup:
    return tag("img", src=f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}", alt=label)


def _guessed(fix: Fix) -> bool:
    return math.isfinite(fix.lat_deg) and math.isfinite(fix.lon_deg)
