"""``periplus synth``: made worlds with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from periplus.cli.guard import resumable
from periplus.cli.options import Jobs, Json
from periplus.cli.progress import progress
from periplus.cli.text import counted, emit, show

synth_app = typer.Typer(
    help="Make worlds whose truth is known, to try Periplus on.", no_args_is_help=True, rich_markup_mode="markdown"
)


@synth_app.callback()
def _group() -> None:
    """Made worlds."""


@synth_app.command("town")
@resumable
def synth_town(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="An empty or a new folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another town.")] = 0,
    gallery: Annotated[int, typer.Option(min=1, max=100_000, help="With positions; 240 show every front.")] = 240,
    queries: Annotated[int, typer.Option(min=0, max=100_000, help="Photos of the town without positions.")] = 40,
    strangers: Annotated[int, typer.Option(min=0, max=100_000, help="Photos of another town.")] = 12,
    jobs: Jobs = 0,
    json: Json = False,
) -> int:
    """Make photos of a town: a gallery with positions, queries without, strangers, and the truth in truth.csv.

    The town lies in the sea off Marseille, so that nobody takes it for a real place.

    Example: periplus synth town -o town && periplus index town/gallery -o town.gallery
    """
    from periplus.pipeline import default_jobs
    from periplus.synth import TownConfig, make_town

    config = TownConfig(seed=seed, gallery=gallery, queries=queries, strangers=strangers, jobs=jobs or default_jobs())
    total = gallery + queries + strangers
    with progress() as tell:
        town = make_town(output, config, lambda done: tell("draw", done, total))
    if json:
        folders = {"gallery": str(town.gallery), "queries": str(town.queries), "strangers": str(town.strangers)}
        counts = {"gallery": town.n_gallery, "queries": town.n_queries, "strangers": town.n_strangers}
        emit({"root": str(town.root), **folders, "truth": str(town.truth), "seed": seed, "photos": counts})
    else:
        show(f"{town.gallery}: {counted(town.n_gallery, 'photo')} with positions.")
        show(f"{town.queries}: {counted(town.n_queries, 'photo')} of the town without positions.")
        show(f"{town.strangers}: {counted(town.n_strangers, 'photo')} of another town.")
        show(f"{town.truth}: where the photos without positions were taken.")
    return 0


@synth_app.command("planet")
@resumable
def synth_planet(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="An empty or a new folder.")],
    photos: Annotated[int, typer.Option(min=1, max=100_000_000, help="How many photos.")] = 20_000,
    first: Annotated[
        int, typer.Option(min=0, help="The number of the first photo, a multiple of 125: other photographers.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another planet.")] = 0,
    size: Annotated[int, typer.Option(min=32, max=1024, metavar="PX", help="Long side of the photos.")] = 96,
    jobs: Jobs = 0,
    json: Json = False,
) -> int:
    """Make photos from all over a planet, and photos.parquet, which says where each was taken and much more.

    The planet has the Earth's coasts and towns, but looks of its own: nothing of it fits real photos. planet.json
    says which random fields it was made from.

    Example: periplus synth planet -o planet && periplus index planet/photos.parquet -o planet.gallery
    """
    from periplus.pipeline import default_jobs
    from periplus.synth import PlanetConfig, make_planet

    config = PlanetConfig(seed=seed, photos=photos, first=first, size_px=size, jobs=jobs or default_jobs())
    with progress() as tell:
        planet = make_planet(output, config, lambda done: tell("draw", done, photos))
    if json:
        files = {"photos": str(planet.photos), "table": str(planet.table), "about": str(planet.about)}
        emit({"root": str(planet.root), **files, "seed": seed, "n_photos": planet.n_photos})
    else:
        show(f"{planet.photos}: {counted(planet.n_photos, 'photo')}.")
        show(f"{planet.table}: where, when and by whom each was taken, and what is there.")
        show(f"{planet.about}: what the planet was made from.")
    return 0
