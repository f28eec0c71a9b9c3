"""``periplus gallery remove``: forget photos."""

from __future__ import annotations

from typing import Annotated

import typer

from periplus.cli.guard import verb
from periplus.cli.options import GalleryArgument, Json
from periplus.cli.text import counted, emit, show, skips_json, status_of, tell_skipped


@verb
def remove(
    gallery: GalleryArgument,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of photos, as search and locate tell them.")],
    json: Json = False,
) -> int:
    """Forget photos of a gallery; their files stay where they are.

    Example: periplus gallery remove town.gallery 2019/blurred.jpg
    """
    from periplus.gallery import GalleryWriter
    from periplus.pipeline.world import keep_areas, world_gallery_at
    from periplus.records import Skip

    wanted = list(dict.fromkeys(ids))
    with GalleryWriter(gallery) as writer:
        unknown = [name for name in wanted if name not in writer]
        removed = writer.remove(wanted)
        left = len(writer)
    if removed and world_gallery_at(gallery):
        keep_areas(gallery)
    skipped = [Skip(name, "not-there", "the gallery has no photo of this id.") for name in unknown]
    if json:
        emit({"gallery": str(gallery), "removed": removed, "photos": left, "skipped": skips_json(skipped)})
    else:
        show(f"{gallery}: {counted(removed, 'photo')} removed, {left:,} left.")
    tell_skipped(skipped, "id")
    return status_of(removed, skipped)
