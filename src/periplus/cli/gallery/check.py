"""``periplus gallery check``: whether a gallery is undamaged."""

from __future__ import annotations

from periplus.cli.guard import verb
from periplus.cli.options import GalleryArgument, Json
from periplus.cli.text import counted, emit, say, show


@verb
def check(gallery: GalleryArgument, json: Json = False) -> int:
    """Read every file of a gallery and compare it with its hash.

    Exit status 1 where a file is damaged, 3 where the gallery cannot even be opened.

    Example: periplus gallery check town.gallery
    """
    from periplus.gallery import damaged_files, open_gallery

    opened = open_gallery(gallery)
    damaged = [str(path) for path in damaged_files(opened)]
    if json:
        emit({"gallery": str(gallery), "photos": len(opened), "sound": not damaged, "damaged": damaged})
    else:
        show(f"{gallery}: {counted(len(opened), 'photo')}, {'damaged' if damaged else 'sound'}.")
    for path in damaged:
        say(f"Damaged: {path}. Index the photos again into a new gallery.")
    return 1 if damaged else 0
