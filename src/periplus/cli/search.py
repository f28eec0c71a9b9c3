"""``periplus search``: the gallery photos that look most like a photo."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from periplus.cli.guard import verb
from periplus.cli.inputs import find_photos
from periplus.cli.options import BoxOption, GalleryOption, Json, Photos, box_of
from periplus.cli.progress import progress
from periplus.cli.text import emit, show, skips_json, status_of, tell_skipped

if TYPE_CHECKING:
    from periplus.pipeline import Hit


@verb
def search(
    photos: Photos,
    gallery: GalleryOption,
    k: Annotated[int, typer.Option("-k", min=1, help="How many gallery photos to list.")] = 10,
    rerank: Annotated[
        Literal["none", "sift", "vlad", "patches"] | None,
        typer.Option(
            help="Local evidence on the best: sift (default) verifies geometry; vlad and patches compare; none is "
            "quicker and all that a world-wide gallery has.",
            show_default=False,
        ),
    ] = None,
    weight: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the first ranking in the score; the rest is local evidence's.")
    ] = 0.2,
    box: BoxOption = None,
    json: Json = False,
) -> int:
    """List the gallery photos that look most like each photo, best first.

    Example: periplus search holiday.jpg -g town.gallery -k 5
    """
    from periplus.pipeline import OpenedGallery, open_any
    from periplus.pipeline import search as run

    def ask(photo: Path) -> tuple[list[Hit], float]:
        begun = time.perf_counter()
        hits = run(photo, opened, k, rerank=rerank, weight=weight, box=part)
        return hits, time.perf_counter() - begun

    opened, part = open_any(gallery), box_of(box)
    if rerank is None:
        rerank = "sift" if isinstance(opened, OpenedGallery) else "none"
    answers: list[dict[str, object]] = []
    with progress(json or not sys.stdout.isatty()) as tell:
        inputs = find_photos(photos, tell)
        for photo, (hits, seconds) in inputs.each("search", ask, tell):
            found = [_document(number, hit) for number, hit in enumerate(hits, 1)]
            answers.append({"photo": str(photo), "hits": found, "seconds": seconds})
            if not json:
                _show(photo, hits)
    if json:
        emit(
            {
                "gallery": str(gallery),
                "k": k,
                "rerank": rerank,
                "weight": weight if rerank != "none" else None,
                "photos": answers,
                "skipped": skips_json(inputs.skipped),
            }
        )
    tell_skipped(inputs.skipped)
    return status_of(len(answers), inputs.skipped)


def _document(number: int, hit: Hit) -> dict[str, object]:
    return {
        "rank": number,
        "id": hit.id,
        "path": hit.path,
        "lat_deg": hit.lat_deg,
        "lon_deg": hit.lon_deg,
        "score": hit.score,
        "global_score": hit.global_score,
        "local_score": hit.local_score,
        "inliers": hit.match.inliers if hit.match else None,
        "kind": hit.match.kind if hit.match else None,
        "coverage": hit.match.coverage if hit.match else None,
    }


def _show(photo: Path, hits: list[Hit]) -> None:
    from periplus.plots.words import position_words

    show(photo, strong=True)
    if not hits:
        show("Nothing in this gallery looks like it.", indent=2)
    for number, hit in enumerate(hits, 1):
        known = hit.lat_deg is not None and hit.lon_deg is not None
        where = position_words(hit.lat_deg or 0.0, hit.lon_deg or 0.0) if known else "position unknown"
        points = f", {hit.match.inliers} matching points" if hit.match else ""
        show(f"{number:3d}. {hit.id}, score {hit.score:.3f}{points}, {where}", indent=2)
    show()
