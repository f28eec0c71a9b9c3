"""``periplus gallery compact``: free the space of what was removed."""

from __future__ import annotations

from periplus.cli.guard import verb
from periplus.cli.options import GalleryArgument, Json
from periplus.cli.text import counted, emit, show, size_words


@verb
def compact(gallery: GalleryArgument, json: Json = False) -> int:
    """Rewrite a gallery without what was removed; needs the space of what is left once more.

    Example: periplus gallery compact town.gallery
    """
    from periplus.gallery import GalleryWriter, open_gallery

    before = sum(open_gallery(gallery).disk_bytes.values())
    with GalleryWriter(gallery) as writer:
        writer.compact()
    after = open_gallery(gallery)
    size, segments = sum(after.disk_bytes.values()), len(after.manifest.segments)
    if json:
        told = {"photos": len(after), "segments": segments, "bytes_before": before, "bytes_after": size}
        emit({"gallery": str(gallery), **told})
    else:
        show(f"{gallery}: {counted(len(after), 'photo')} in {counted(segments, 'segment')}.")
        show(f"{size_words(before)} before, {size_words(size)} now.")
    return 0
