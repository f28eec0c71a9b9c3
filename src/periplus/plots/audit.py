"""The page of an audit: what a collection holds, what is wrong with it, and the pictures of the worst cases."""

from __future__ import annotations

from pathlib import Path

from periplus.curate import FLAGS, Audit
from periplus.curate.capture import part_of_day
from periplus.plots.audit_cards import MOST_PICTURES, WORST_FIRST, Row, group_cards, wall
from periplus.plots.audit_charts import bars, clock, coverage_map, long_tail, years_chart
from periplus.plots.audit_frame import AUDIT_SHEET, audit_foot
from periplus.plots.bars import stripe
from periplus.plots.land import world_symbol
from periplus.plots.page import page_head
from periplus.plots.svg import Markup, join, tag
from periplus.store import atomic_path


def write_audit(path: Path | str, audit: Audit, title: str = "Audit of a collection") -> None:
    """Write the page, whole or not at all; it asks for nothing from anywhere.

    Args:
        path: the HTML file.
        audit: what was found.
        title: of the page.

    Raises:
        CannotRunError: the file cannot be written.
    """
    with atomic_path(Path(path)) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(page_head(title, AUDIT_SHEET))
        file.write(tag("svg", world_symbol(), width=0, height=0, aria_hidden="true"))
        file.write(_header(audit, title))
        for section in (_findings, _landmarks, _when, _where, _worst, _duplicates, _makers, _how):
            file.write(section(audit))
        file.write(audit_foot())


def _header(audit: Audit, title: str) -> Markup:
    n = audit.findings.num_rows
    lead = f"{audit.flagged:,} of {_photos(n)} ({_share(audit.flagged, n)}) have at least one finding."
    tiles = [(f"{n:,}", "photos"), (f"{audit.flagged:,}", "with a finding")]
    if marks := len(audit.landmarks.counts):
        tiles.append((f"{marks:,}", "landmarks"))
    if audit.places.placed:
        tiles.append((f"{len(audit.places.countries):,}", "countries"))
    tiles.append((_share(audit.capture.dated, n), "with a time"))
    tiles.append((_share(audit.places.placed, n), "with a position"))
    tiles += [(f"{len(audit.splits):,}", "splits")] if audit.splits else []
    shown = [tag("div", tag("b", number), tag("span", name), class_="tile") for number, name in tiles]
    return tag(
        "header", tag("h1", tag("bdi", title)), tag("p", lead, class_="lead"), tag("div", *shown, class_="tiles")
    )


def _findings(audit: Audit) -> Markup:
    n, most = audit.findings.num_rows, max(1, *audit.counts.values())
    rows = []
    for name, meaning in FLAGS.items():
        count = audit.counts[name]
        label = _name(name)
        link: Markup = tag("a", label, href=f"#{_anchor(name)}") if count else Markup(label)
        cells = [
            tag("td", link, tag("span", meaning)),
            tag("td", f"{count:,}", class_="number-cell"),
            tag("td", _share(count, n), class_="number-cell"),
            tag("td", stripe(count / most), class_="share"),
        ]
        rows.append(tag("tr", *cells, class_=None if count else "none"))
    body = tag("table", tag("tbody", *rows), class_="findings")
    kinds: dict[str, int] = {}
    for skip in audit.skipped:
        kinds[skip.kind] = kinds.get(skip.kind, 0) + 1
    told = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
    note = [tag("p", f"Passed over: {told}.", class_="soft")] if told else []
    return tag("section", tag("h2", "What was found"), body, *note, id="findings")


def _landmarks(audit: Audit) -> Markup:
    marks = audit.landmarks
    if not marks.counts:
        return Markup()
    smallest = dict(reversed(list(marks.counts.items())[-8:]))
    words = [f"{len(marks.counts):,} landmarks; Gini coefficient {marks.gini:.2f} (0: all have equally many)."]
    words += [f" {marks.singletons:,} have one photo only."] if marks.singletons else []
    words += [f" {_photos(marks.unlabelled)} without a landmark."] if marks.unlabelled else []
    ends = [tag("div", tag("h3", "Most photos"), bars(dict(list(marks.counts.items())[:8])))]
    if len(marks.counts) > 8:
        ends.append(tag("div", tag("h3", "Fewest photos"), bars(smallest, full=max(marks.counts.values()))))
    chart = long_tail(marks.counts, marks.half)
    return tag(
        "section",
        tag("h2", "Photos by landmark"),
        tag("p", *words, class_="soft"),
        chart,
        tag("div", *ends, class_="two"),
    )


def _when(audit: Audit) -> Markup:
    capture = audit.capture
    words = f"{_photos(capture.dated)} with a time of capture, {capture.undated:,} without."
    if not capture.dated:
        return tag("section", tag("h2", "When"), tag("p", words, class_="soft"))
    offset = f"{capture.with_offset:,} say" if capture.with_offset else "none says"
    known = f" The clock is the camera's own; {offset} how far it is from UTC."
    parts = {name: n for name, n in capture.parts_of_day.items() if n or name != "unknown"}
    seasons = {name: n for name, n in capture.seasons.items() if n or name != "unknown"}
    dial = clock(capture.hours, [part_of_day(hour) for hour in range(24)])
    right = [
        tag("h3", "Part of the day"),
        bars(parts, kinds=True),
        tag("h3", "Season, by hemisphere"),
        bars(seasons, kinds=True),
    ]
    both = tag("div", dial, tag("div", *right), class_="clock")
    years = [tag("h3", "Year"), years_chart(capture.years)]
    return tag("section", tag("h2", "When"), tag("p", words, known, class_="soft"), both, *years)


def _where(audit: Audit) -> Markup:
    places, n = audit.places, audit.findings.num_rows
    words = f"{_photos(places.placed)} with a position, {n - places.placed:,} without."
    if not places.placed:
        return tag("section", tag("h2", "Where"), tag("p", words, class_="soft"))
    words += f" Of {places.from_file:,} only the photo's own file says it." if places.from_file else ""
    chart = coverage_map(places.lat_deg, places.lon_deg)
    both = tag(
        "div", tag("div", chart), tag("div", tag("h3", "Country"), bars(places.countries, 14)), class_="two wide"
    )
    return tag("section", tag("h2", "Where"), tag("p", words, class_="soft"), both)


def _worst(audit: Audit) -> Markup:
    sections = []
    for name in WORST_FIRST:
        if not (count := audit.counts[name]):
            continue
        rows = _rows(audit, name)
        shown = f" The {MOST_PICTURES} worst:" if count > MOST_PICTURES else ""
        head = tag("h2", tag("span", f"{count:,}", class_="count"), _name(name))
        words = tag("p", f"A photo that {FLAGS[name]}.{shown}", class_="soft")
        sections.append(tag("section", head, words, wall(rows, name), id=_anchor(name)))
    return join(sections)


def _duplicates(audit: Audit) -> Markup:
    same = audit.duplicates
    if not same.groups:
        return Markup()
    groups: list[list[Row]] = [audit.findings.take(list(rows)).to_pylist() for rows in same.groups]
    groups.sort(key=lambda rows: -max(row["similarity"] or 0 for row in rows))
    conflicts = [rows for rows in groups if rows[0]["label_conflict"]]
    across = [rows for rows in groups if rows[0]["across_splits"] and not rows[0]["label_conflict"]]
    others = [rows for rows in groups if not rows[0]["across_splits"] and not rows[0]["label_conflict"]]
    words = f"{len(groups):,} groups; {same.near:,} photos could go, {same.exact:,} of them the same file to the byte."
    parts: list[str] = [
        tag("h2", tag("span", f"{same.near:,}", class_="count"), "Duplicates"),
        tag("p", words, class_="soft"),
    ]
    if conflicts:
        names = [tag("h3", "Groups by the landmarks they bring together"), bars(same.landmark_pairs, 8)]
        parts += [tag("h3", "With different landmarks", id="label-conflict"), group_cards(conflicts, True), *names]
    if across or same.split_pairs:
        table = bars(same.split_pairs, 12)
        parts += [tag("h3", "In several splits", id="across-splits"), table, group_cards(across, True)]
    if others:
        parts += [tag("h3", "The others"), group_cards(others, False)]
    return tag("section", *parts, id="near-duplicate")


def _makers(audit: Audit) -> Markup:
    shares = [("Camera", audit.cameras), ("Author", audit.authors), ("Split", audit.splits)]
    there = [tag("div", tag("h3", f"{name} ({len(counts):,})"), bars(counts, 10)) for name, counts in shares if counts]
    return tag("section", tag("h2", "Who and with what"), tag("div", *there, class_="two")) if there else Markup()


def _how(audit: Audit) -> Markup:
    config = audit.config
    facts = {
        "Small": f"shorter side under {config.small_px} px",
        "Grey": f"95 % of the picture have a chroma under {config.grey_chroma:g} (CIE L*a*b*, on 64 px)",
        "Sepia": f"colours are a function of lightness to {config.sepia_error:g} units, and warm",
        "Blurred": f"energy of the Laplacian over variance, in the sharpest tiles at 256 px, under {config.blurred:g}",
        "Blank": f"entropy of the grey levels under {config.blank_bits:g} bits",
        "Graphic": f"one bright colour on {100 * config.graphic_share:.0f} % of the picture",
        "Outlier": f"the 10th nearest photo, in 150 whitened statistics, is over {config.outlier:g} times as far as "
        "usual; a hint, for bold colours and odd angles are strange too",
        "Duplicates": f"correlation of whitened 32 x 32 thumbnails, also mirrored, from {config.near:g}",
        "Part of day": "morning from 6, noon from 11, afternoon from 14, night from 19 o'clock of the camera's clock",
        "Season": "whole months, turned by half a year south of the equator; unknown without a position",
    }
    rows = (join([tag("dt", name), tag("dd", text)]) for name, text in facts.items())
    return tag("section", tag("h2", "How it was measured"), tag("dl", *rows))


def _rows(audit: Audit, finding: str) -> list[Row]:
    rows: list[Row] = audit.findings.filter(audit.findings.column(finding)).to_pylist()
    return rows


def _name(finding: str) -> str:
    return finding.replace("_", " ").capitalize()


def _anchor(finding: str) -> str:
    return "near-duplicate" if finding == "exact_duplicate" else finding.replace("_", "-")


def _photos(n: int) -> str:
    return "1 photo" if n == 1 else f"{n:,} photos"


def _share(part: int, whole: int) -> str:
    percent = 100 * part / max(whole, 1)
    return (
        f"{percent:.0f} %"
        if percent >= 10 or part in (0, whole)
        else f"{percent:.1f} %"
        if percent >= 0.1
        else "< 0.1 %"
    )
