"""The HTML report: for every query the answer, the map and the evidence, in one file that opens offline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.geo import Neighbours, distance_km
from periplus.plots.answer_maps import guessed, near_maps, world_maps
from periplus.plots.evidence import photo, photo_cards, photos_and_positions
from periplus.plots.heat import is_world_wide
from periplus.plots.land import world_rim, world_symbol
from periplus.plots.page import page_foot, page_head
from periplus.plots.places import carried_bar, position_rows
from periplus.plots.svg import Markup, join, tag
from periplus.plots.words import answer_words, distance_words, percent_words, position_decimals, position_words
from periplus.records import Fix
from periplus.store.atomic import atomic_path


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
        symbols = (world_symbol(fine=any(is_world_wide(entry.fix) for entry in entries)), tag("defs", world_rim()))
        file.write(tag("svg", *symbols, width=0, height=0, aria_hidden="true"))
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
    picture = photo(entry.query_path, f"The photo {entry.query_path.name}")
    words = [
        tag("h2", tag("bdi", entry.query_path.name)),
        tag("p", answer_words(fix), class_="answer"),
        _meter(fix.confidence),
        tag("p", "This is where the camera stood, not where the thing in the picture stands.", class_="soft"),
        _facts(entry),
    ]
    top = tag("div", tag("div", picture), tag("div", *words), class_="top")
    shown = (top, _maps(fix, gallery), _evidence(entry))
    return tag("section", *shown, id=f"photo-{number}")


def _meter(confidence: float) -> Markup:
    bar = tag("svg", tag("rect", width=100 * confidence, height=1), viewBox="0 0 100 1", preserveAspectRatio="none")
    return tag("div", bar, class_="meter", role="img", aria_label=f"Confidence {percent_words(confidence)}")


def _facts(entry: ReportEntry) -> Markup:
    fix = entry.fix
    facts: list[tuple[str, str]] = []
    if guessed(fix):
        sure = f"{percent_words(fix.confidence)} sure to be right within {distance_words(fix.confidence_radius_km)}"
        facts.append(("Confidence", sure))
        facts.append(("Look it up", _openstreetmap(fix.lat_deg, fix.lon_deg, fix.radius_km_90)))
    if (said := fix.recorded) is not None:
        there = position_words(said.lat_deg, said.lon_deg)
        apart = "" if said.distance_km is None else f", {distance_words(said.distance_km)} from the estimate"
        facts.append((f"File says ({said.source.upper()})", f"{there}{apart}; not used for the estimate"))
    if (other := fix.runner_up) is not None:
        share = f"{percent_words(other.weight)} of the belief"
        if guessed(fix):
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
    return world_maps(fix, gallery) if is_world_wide(fix) else near_maps(fix, gallery)


def _evidence(entry: ReportEntry) -> Markup:
    fix = entry.fix
    photos, positions = photos_and_positions(fix)
    if not fix.evidence and not is_world_wide(fix):
        return tag("p", "There is no evidence: no gallery photo speaks for a place.", class_="soft")
    # What a world-wide answer rests on stands beside its map.
    listed = "" if is_world_wide(fix) else join([carried_bar(fix.carried_by), position_rows(positions)])
    return join([photo_cards(entry.query_path, photos), listed])
