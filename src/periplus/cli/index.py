"""``periplus index``: make a gallery, or bring one up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.guard import resumable
from periplus.cli.model_options import EncoderOption, ModelOptions, Patches, encoder_config, model_options
from periplus.cli.options import Codebook, Columns, Jobs, Json, NoCalibration, Source, Splits, mapping
from periplus.cli.progress import Tell, progress
from periplus.cli.selecting import Drop, Findings, Selection, open_selected
from periplus.cli.text import counted, emit, say, show, skips_json, status_of, tell_skipped
from periplus.errors import PeriplusError, UsageError

if TYPE_CHECKING:
    from periplus.encode import EncoderConfig
    from periplus.pipeline import IndexConfig, IndexResult
    from periplus.pipeline.world import WorldIndexConfig
    from periplus.sources import Scan

    Indexer = Callable[[Scan, Path, Tell], IndexResult]

BARE_SOURCES = ("grid", "positions", "places")
"""Names of sources whose rows have no pictures."""


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
    positions: Annotated[
        bool, typer.Option("--positions", help="Take SOURCE's positions only, for a geo model; pictures are not read.")
    ] = False,
    vectors_only: Annotated[
        bool,
        typer.Option("--vectors-only", help="Keep only a vision model's vector: world-wide photos, as neighbours."),
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Forget photos that SOURCE no longer has.")] = False,
    no_calibration: NoCalibration = False,
    json: Json = False,
) -> int:
    """Make a gallery of photos whose positions are known, or bring an existing one up to date.

    Photos that the gallery holds unchanged are not looked at again. What is done is kept when it is stopped. With a
    geo model (planet, geoclip, a folder) it is a world-wide gallery: of photos, or of bare positions (grid:100,
    positions:FILE); with a text model and places:cities, of texts about places.

    Example: periplus index ~/photos -o town.gallery

    Example: periplus index positions:coordinates_100K.csv -o geoclip-100k.gallery --encoder geoclip
    """
    from periplus.pipeline import IndexConfig
    from periplus.pipeline.world import WorldIndexConfig, is_geo_model, world_gallery_at

    if encoder is not None and codebook is not None:
        raise UsageError("Give --encoder or --codebook: a codebook brings its encoder with it.")
    selection = Selection.named(mapping(column), split, findings, drop)
    there = world_gallery_at(output)
    if there or positions or vectors_only or _is_bare(source) or is_geo_model(encoder):
        if codebook is not None or patches:
            raise UsageError("--codebook and --patches are of local features, which a world-wide gallery has none of.")
        if positions and vectors_only:
            raise UsageError("--positions keeps no photos, and --vectors-only nothing else: give one of them.")
        if encoder is None:
            _require_world(output, None if there is None else there.rows, model, positions)
        how = world_indexer(encoder, model, positions, WorldIndexConfig(jobs=jobs, prune=prune))
        return run_index(source, output, how, selection, as_json=json)
    wanted = encoder_config(encoder, model, patches)
    _check_encoder(output, None if encoder is None else wanted, codebook)
    config = IndexConfig(
        encoder=wanted,
        codebook=codebook,
        jobs=jobs,
        calibration_photos=0 if no_calibration else IndexConfig.calibration_photos,
        prune=prune,
    )
    return run_index(source, output, photo_indexer(config), selection, as_json=json)


def _require_world(target: Path, rows: str | None, model: list[str] | None, positions: bool) -> None:
    """Refuse to go on without a model's name where there is no gallery that keeps one, or it keeps another's rows.

    Raises:
        UsageError: so it is.
    """
    if rows is None:
        raise UsageError("Name a model for a new world-wide gallery: --encoder planet, geoclip, or a folder.")
    if model:
        raise UsageError(f"--model is of a new gallery's vision model; {target} keeps the one that it was made with.")
    if positions and rows != "positions":
        raise UsageError(f"{target} holds {rows} and keeps them. Make a new gallery for positions.")


def _is_bare(source: str) -> bool:
    """Whether a source's rows have no pictures; what exists under its very name comes first, as for all sources."""
    name, colon, _ = source.partition(":")
    return bool(colon) and name in BARE_SOURCES and not Path(source).exists()


def photo_indexer(config: IndexConfig) -> Indexer:
    """Indexing photos with their local features."""
    from periplus.pipeline import index as run

    return lambda scan, target, tell: run(scan, target, config, tell)


def world_indexer(encoder: str | None, options: list[str] | None, positions: bool, config: WorldIndexConfig) -> Indexer:
    """Indexing into a world-wide gallery; without an encoder, into one that exists."""
    from periplus.pipeline.world import choose_spec, index_world, world_gallery_at

    def run(scan: Scan, target: Path, tell: Tell) -> IndexResult:
        there = world_gallery_at(target) if encoder is None else None
        spec = there or choose_spec(scan, str(encoder), model_options(options), positions=positions)
        return index_world(scan, target, spec, config, tell)

    return run


def run_index(
    source: str,
    target: Path,
    how: Indexer,
    selection: Selection,
    *,
    as_json: bool,
    advise_prune: bool = True,
) -> int:
    """Read a source, index it, and tell of it; returns the exit status."""
    from periplus.gallery import open_gallery

    _check_place(target)
    with progress() as tell:
        scan = open_selected(source, selection, tell)
        try:
            result = how(scan, target, tell)
        except PeriplusError:
            tell_skipped(scan.skipped)
            raise
    gallery = open_gallery(target)
    placed, noun = int(gallery.catalog.has_position.sum()), str(gallery.encoder.get("rows", "photos")).removesuffix("s")
    if as_json:
        emit(_document(source, scan, result, placed))
    else:
        _show(result, placed, noun)
    for note in scan.notes:
        say(f"Note on {note.path}: {note.reason}")
    tell_skipped(result.skipped, noun)
    if result.gone and advise_prune:
        say(f"{counted(result.gone, noun)} of the gallery not in {source}; kept (--prune forgets them).")
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


def _show(result: IndexResult, placed: int, noun: str) -> None:
    done = ", ".join(f"{getattr(result, key):,} {key}" for key in ("added", "changed", "unchanged", "removed"))
    show(f"{result.path}: {counted(result.photos, noun)}, {placed:,} with a position ({done}).")
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
