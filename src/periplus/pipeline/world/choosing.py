"""Which kind of gallery an encoder and a source ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from periplus.encode import GEO_MODELS, model_spec_from, open_geo_model
from periplus.encode.geo_files import GEO_FILE
from periplus.encode.geoclip import holds_geoclip
from periplus.errors import EmptyInputError, UsageError
from periplus.gallery import open_gallery, read_manifest
from periplus.gallery.layout import MANIFEST
from periplus.pipeline.world.bare import PROMPT
from periplus.pipeline.world.spec import (
    WORLD,
    WorldSpec,
    geo_photos_spec,
    photos_spec,
    positions_spec,
    spec_of,
    texts_spec,
)
from periplus.sources import Scan


def is_geo_model(name: str | None) -> bool:
    """Whether a name is that of a geo model, or of a folder with one."""
    if name is None or name in GEO_MODELS:
        return name is not None
    return (Path(name) / GEO_FILE).is_file() or holds_geoclip(Path(name))


def world_gallery_at(path: str | Path) -> WorldSpec | None:
    """What the world-wide gallery at a path is; None where there is none, or one of another kind.

    Raises:
        GalleryError: there is one that cannot be read.
    """
    if not (Path(path) / MANIFEST).exists() or read_manifest(Path(path)).encoder.get("name") != WORLD:
        return None
    return spec_of(open_gallery(path))


def choose_spec(
    scan: Scan, encoder: str, options: Mapping[str, object] | None = None, *, positions: bool = False
) -> WorldSpec:
    """What a new world-wide gallery is to be.

    Rows are photos where the source has pictures and ``positions`` does not ask for their positions only, else texts
    where it has prompts, else positions.

    Args:
        scan: the source.
        encoder: a geo model, or for photos and texts a picture model.
        options: other values of :class:`periplus.encode.ModelSpec`, for a picture model.
        positions: take the positions only, although there are pictures.

    Raises:
        UsageError: positions are asked of a model that knows none, or options of a geo model.
        CannotRunError: the model is not on this machine.
        EmptyInputError: the source has no row.
    """
    if not len(scan.catalog):
        raise EmptyInputError("The source has no row that could be indexed.")
    pictures = not positions and scan.catalog.table.column("path").null_count < len(scan.catalog)
    texts = not positions and not pictures and PROMPT in scan.catalog.table.column_names
    # A known name comes before a folder: `periplus synth planet -o planet` makes one of that name.
    place = str(Path(encoder).resolve()) if encoder not in GEO_MODELS and Path(encoder).is_dir() else encoder
    if is_geo_model(encoder):
        if options:
            raise UsageError(f"--model is for vision models: the geo model {encoder} is used as it was trained.")
        model = open_geo_model(place)
        return geo_photos_spec(model) if pictures else positions_spec(model)
    picture_model = model_spec_from({**(options or {}), "name": place})
    if pictures:
        return photos_spec(picture_model)
    if texts:
        return texts_spec(picture_model)
    known = ", ".join(GEO_MODELS)
    raise UsageError(
        f"{encoder} knows pictures but no positions. Take a geo model, such as {known}, or a folder of one."
    )
