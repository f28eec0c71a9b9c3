"""Which photos of a source are taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.progress import Tell
from periplus.cli.text import counted, say
from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.sources import Scan

Findings = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Findings of periplus audit; --drop says which count.")
]
Drop = Annotated[
    str | None, typer.Option(metavar="NAME,NAME,...", help="Leave photos out that the audit found grey, blurred ...")
]


@dataclass(frozen=True)
class Selection:
    """What is taken of a source.

    Attributes:
        columns: which column of a table is which.
        splits: only photos of these splits; all where there are none.
        findings: a table of findings by ``periplus audit``.
        drop: findings that leave a photo out.

    Raises:
        UsageError: findings without anything to drop, or the other way round.
    """

    columns: dict[str, str] | None = None
    splits: tuple[str, ...] = ()
    findings: Path | None = None
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the findings have a use."""
        if (self.findings is None) != (not self.drop):
            raise UsageError("--findings FILE and --drop NAME,... go together: which photos, for which finding.")

    @classmethod
    def named(
        cls, columns: dict[str, str] | None, split: list[str] | None, findings: Path | None, drop: str | None
    ) -> Selection:
        """From what was said on the command line."""
        return cls(columns, tuple(split or ()), findings, tuple(filter(None, (drop or "").split(","))))


def open_selected(source: str, selection: Selection, tell: Tell) -> Scan:
    """Read a source and take the selected photos of it; tells how many the audit's findings left out.

    Raises:
        UsageError: there is no such source, split or finding.
        CatalogError: a table breaks its rules.
    """
    from periplus.curate import keep_rows, read_findings
    from periplus.sources import open_source

    scan = open_source(source, progress=lambda done: tell("read", done, None), columns=selection.columns)
    scan = scan.of_splits(selection.splits)
    if selection.findings is None:
        return scan
    kept = keep_rows(scan.catalog, read_findings(selection.findings), selection.drop)
    dropped = ", ".join(f"{name} {count:,}" for name, count in kept.dropped.items())
    say(f"Left out by {selection.findings}: {counted(int((~kept.rows).sum()), 'photo')} ({dropped}).")
    if kept.unaudited:
        say(f"{counted(kept.unaudited, 'photo')} it does not know; kept.")
    return replace(scan, catalog=scan.catalog.select(kept.rows))
