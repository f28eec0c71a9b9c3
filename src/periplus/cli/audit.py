"""``periplus audit``: what a collection holds, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.guard import verb
from periplus.cli.options import Columns, Jobs, Json, Source, mapping
from periplus.cli.outputs import check_folders
from periplus.cli.progress import progress
from periplus.cli.text import counted, emit, say, show, skips_json, status_of, tell_skipped
from periplus.errors import PeriplusError

if TYPE_CHECKING:
    from periplus.curate import Audit


@verb
def audit(
    source: Source,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with charts and the worst cases; it opens offline."),
    ] = None,
    findings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one row a photo with its findings (.csv or .parquet).")
    ] = None,
    column: Columns = None,
    jobs: Jobs = 0,
    json: Json = False,
) -> int:
    """Count what a collection holds, and find the photos that are of no use or that would spoil a measurement.

    Grey, small, blurred, blank and odd photos; duplicates, also across splits and with different landmarks; photos by
    landmark, time, country and camera. Nothing is changed. The table of findings can be used as a filter.

    Example: periplus audit ~/photos --html audit.html --findings findings.parquet
    """
    from periplus.curate import audit_to_json, require_table_name, write_findings
    from periplus.pipeline.auditing import audit_source
    from periplus.sources import open_source

    if findings is not None:
        require_table_name(findings)
    check_folders(html, findings)
    with progress() as tell:
        scan = open_source(source, progress=lambda done: tell("read", done, None), columns=mapping(column))
        try:
            found = audit_source(scan, jobs=jobs, progress=tell)
        except PeriplusError:
            tell_skipped(scan.skipped)
            raise
    if json:
        emit({"source": source, **audit_to_json(found), "skipped": skips_json(found.skipped)})
    else:
        _show(source, found)
    if html is not None:
        from periplus.plots.audit import write_audit

        write_audit(html, found, f"Audit of {Path(source).name or source}")
        say(f"Wrote {html}.")
    if findings is not None:
        write_findings(found.findings, findings)
        say(f"Wrote {findings}.")
    tell_skipped(found.skipped)
    return status_of(found.findings.num_rows - found.bare - found.counts["unreadable"], found.skipped)


def _show(source: str, audit: Audit) -> None:
    from periplus.curate import FLAGS

    n = audit.findings.num_rows
    show(f"{source}: {counted(n, 'photo')}, {audit.flagged:,} with a finding.", strong=True)
    width = max(len(name) for name in FLAGS)
    for name, meaning in FLAGS.items():
        if count := audit.counts[name]:
            words = f"{name.replace('_', ' '):<{width}}  {count:>9,}  {count / n:>7.2%}  {meaning}"
            show(words, indent=2)
    for line in _census(audit):
        show(line)


def _census(audit: Audit) -> list[str]:
    marks, capture, places, same = audit.landmarks, audit.capture, audit.places, audit.duplicates
    lines = []
    if marks.counts:
        half = f"half of the photos show {marks.half:,} of them"
        lines.append(f"Landmarks: {len(marks.counts):,}; {half}, {marks.singletons:,} have one photo only.")
    if same.groups:
        lines.append(f"Duplicates: {counted(len(same.groups), 'group')}; {counted(same.near, 'photo')} could go.")
    lines += [f"  {pair}: {counted(n, 'group')} in both" for pair, n in same.split_pairs.items()]
    for name, counts, known in (
        ("Part of day", capture.parts_of_day, capture.dated),
        ("Season", capture.seasons, capture.dated),
        ("Country", places.countries, places.placed),
        ("Camera", audit.cameras, sum(audit.cameras.values())),
    ):
        most = ", ".join(f"{one} {n:,}" for one, n in list(counts.items())[:6] if n)
        more = f" and {len(counts) - 6:,} more" if len(counts) > 6 else ""
        if known:
            lines.append(f"{name} ({counted(known, 'photo')}): {most}{more}.")
    return lines
