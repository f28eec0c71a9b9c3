"""``periplus synth``: made worlds with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from periplus.cli.guard import resumable, verb
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
    says which random fields it was made from, and the table's columns field_* what they are where each was taken.

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


@synth_app.command("fields")
@verb
def synth_fields(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="An empty or a new folder.")],
    points: Annotated[int, typer.Option(min=2, help="How many places.")] = 20_000,
    family: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="exponential, gaussian or matern (smoothness 3/2); all if none. Repeatable."),
    ] = None,
    length_scale_km: Annotated[float, typer.Option(metavar="KM", help="Of the correlation, along the chord.")] = 300.0,
    sill: Annotated[float, typer.Option(help="Variance of the smooth part.")] = 1.0,
    nugget: Annotated[float, typer.Option(help="Variance that near places do not share.")] = 0.0,
    dims: Annotated[int, typer.Option(min=1, help="Independent draws of a family; several make vectors, too.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Other places, other draws.")] = 0,
    typical: Annotated[
        bool, typer.Option("--typical/--no-typical", help="Pass over draws that by chance are far from their model.")
    ] = True,
    where: Annotated[
        Literal["sphere", "land", "towns"],
        typer.Option(help="Evenly over the Earth, evenly over its land, or where a planet's photos are taken."),
    ] = "sphere",
    json: Json = False,
) -> int:
    """Draw random fields whose semivariograms are known, and write what they are at scattered places.

    fields.parquet has the places, and a column for each family, or for each draw (exponential_00, ...); then
    exponential.npy has a vector for each place. fields.json says what the true semivariograms are.

    Example: periplus synth fields -o fields --length-scale-km 600 --nugget 0.2
    """
    from periplus.synth import FieldsConfig, make_fields
    from periplus.synth.planet.samples import FAMILIES

    families = tuple(family) if family else FAMILIES
    config = FieldsConfig(points, families, length_scale_km, sill, nugget, dims, seed, typical, where)
    with progress() as tell:
        made = make_fields(output, config, lambda done, total: tell("draw", done, total))
    vectors = {name: str(path) for name, path in made.vectors.items()}
    if json:
        files = {"table": str(made.table), "about": str(made.about), "vectors": vectors}
        emit({"root": str(made.root), **files, "seed": seed, "points": points, "dims": dims, "families": [*families]})
        return 0
    draws = "" if dims == 1 else f", {counted(dims, 'draw')} each"
    show(f"{made.table}: {counted(points, 'place')}, {', '.join(families)}{draws}.")
    for path in vectors.values():
        show(f"{path}: the draws as vectors.")
    show(f"{made.about}: their true semivariograms.")
    return 0
