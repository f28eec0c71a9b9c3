"""``periplus index``: make a gallery, or bring one up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.guard import resumable
from periplus.cli.model_options import EncoderOption, ModelOptions, Patches, encoder_config
from periplus.cli.options import Codebook, Columns, Jobs, Json, NoCalibration, Source, Splits, mapping
from periplus.cli.progress import progress
from periplus.cli.selecting import Drop, Findings, Selection, open_selected
from periplus.cli.text import counted, emit, say, show, skips_json, status_of, tell_skipped
from periplus.errors import PeriplusError, UsageError

if TYPE_CHECKING:
    from periplus.encode import EncoderConfig
    from periplus.pipeline import IndexConfig, IndexResult
    from periplus.sources import Scan


@resumable
def index(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="G.gallery", help="The gallery to make or update.")],
    encoder: EncoderOption = None,
    model: ModelOptions = None,
    patches: Patches = False,
    codebook: Codebook = None,
    split: Splits = None,
    findings: Findings = None,
    drop: Drop = None,
    column: Columns = None,
    jobs: Jobs = 0,
    prune: Annotated[bool, typer.Option("--prune", help="Forget photos that SOURCE no longer has.")] = False,
    no_calibration: NoCalibration = False,
    json: Json = False,
) -> int:
    """Make a gallery of photos whose positions are known, or bring an existing one up to date.

    Photos that the gallery holds unchanged are not looked at again. What is done is kept when it is stopped.

    Example: periplus index ~/photos -o town.gallery
    """
    from periplus.pipeline import IndexConfig

    if encoder is not None and codebook is not None:
        raise UsageError("Give --encoder or --codebook: a codebook brings its encoder with it.")
    wanted = encoder_config(encoder, model, patches)
    _check_encoder(output, None if encoder is None else wanted, codebook)
    config = IndexConfig(
        encoder=wanted,
        codebook=codebook,
        jobs=jobs,
        calibration_photos=0 if no_calibration else IndexConfig.calibration_photos,
        prune=prune,
    )
    return run_index(source, output, config, Selection.named(mapping(column), split, findings, drop), as_json=json)


def run_index(
    source: str,
    target: Path,
    config: IndexConfig,
    selection: Selection,
    *,
    as_json: bool,
    advise_prune: bool = True,
) -> int:
    """Read a source, index it, and tell of it; returns the exit status."""
    from periplus.gallery import open_gallery
    from periplus.pipeline import index as run

    _check_place(target)
    with progress() as tell:
        scan = open_selected(source, selection, tell)
        try:
            result = run(scan, target, config, tell)
        except PeriplusError:
            tell_skipped(scan.skipped)
            raise
    placed = int(open_gallery(target).catalog.has_position.sum())
    if as_json:
        emit(_document(source, scan, result, placed))
    else:
        _show(result, placed)
    for note in scan.notes:
        say(f"Note on {note.path}: {note.reason}")
    tell_skipped(result.skipped)
    if result.gone and advise_prune:
        say(f"{counted(result.gone, 'photo')} of the gallery not in {source}; kept (--prune forgets them).")
    if not placed:
        say("No photo of this gallery has a position: it can be searched, but nothing can be located with it.")
    return status_of(result.added + result.changed + result.unchanged, result.skipped)


def _document(source: str, scan: Scan, result: IndexResult, placed: int) -> dict[str, object]:
    return {
        "gallery": str(result.path),
        "source": source,
        "photos": result.photos,
        "with_position": placed,
        "added": result.added,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "removed": result.removed,
        "gone": result.gone,
        "ignored": scan.ignored,
        "skipped": skips_json(result.skipped),
        "notes": skips_json(scan.notes),
        "seconds": result.seconds,
    }


def _show(result: IndexResult, placed: int) -> None:
    done = ", ".join(f"{getattr(result, key):,} {key}" for key in ("added", "changed", "unchanged", "removed"))
    show(f"{result.path}: {counted(result.photos, 'photo')}, {placed:,} with a position ({done}).")
    show(f"Took {sum(result.seconds.values()):.1f} s.")


def _check_encoder(target: Path, encoder: EncoderConfig | None, codebook: Path | None) -> None:
    """Refuse what a gallery could not obey: it keeps the encoder that it was made with.

    Raises:
        UsageError: so it is.
    """
    from periplus.gallery import open_gallery
    from periplus.gallery.layout import MANIFEST

    if not (target / MANIFEST).exists():
        return
    gallery = open_gallery(target)
    made_with, model = gallery.encoder.get("name"), gallery.encoder.get("model")
    if encoder is not None and (encoder.name, encoder.model) != (made_with, model):
        wanted = "another model" if encoder.name == made_with else encoder.name
        raise UsageError(f"{target} was made with the encoder {made_with} and keeps it. Make a new one for {wanted}.")
    if encoder is not None and encoder.patches and not gallery.encoder.get("patches"):
        raise UsageError(f"{target} was made without patches and stays so. Make a new one for --patches.")
    if codebook is not None and open_gallery(codebook).fingerprint != gallery.fingerprint:
        raise UsageError(f"{target} has an encoder of its own and keeps it. Make a new one with that of {codebook}.")


def _check_place(target: Path) -> None:
    """Fail now, not after an encoder was learnt, where nothing can be written.

    Raises:
        CannotRunError: so it is.
    """
    from periplus.store import writing

    there = next((path for path in (target, *target.absolute().parents) if path.exists()), Path("/"))
    with writing(target), os.scandir(there):
        if not os.access(there, os.W_OK):
            raise PermissionError(13, "Permission denied")
