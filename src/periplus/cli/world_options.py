"""Options of world-wide galleries: how they answer, and what they must not answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.pipeline.world import Exclusion, WorldConfig

_NAMES = ("author", "sequence")

ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="NAME",
        help="author or sequence: gallery photos of the query's own do not answer. Repeatable.",
    ),
]
NeighboursOption = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="K", help="World-wide: only the best K rows speak; 1 is the nearest alone. Default: all."
    ),
]
GuessOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="World-wide: one position by score, mode, cell or row; by default as calibrated."
    ),
]
BufferOption = Annotated[
    float, typer.Option("--buffer-km", min=0, max=20_000, help="Gallery rows so near to the truth do not answer.")
]


def exclusion_of(exclude: list[str] | None, buffer_km: float) -> Exclusion:
    """What the options say; a query's own copy never answers.

    Raises:
        UsageError: a name is neither author nor sequence.
    """
    from periplus.pipeline.world import Exclusion

    for name in exclude or ():
        if name not in _NAMES:
            raise UsageError(f"--exclude {name}: it is {' or '.join(_NAMES)}.")
    wanted = exclude or []
    return Exclusion(author="author" in wanted, sequence="sequence" in wanted, buffer_km=buffer_km)


def world_config(neighbours: int | None, guess: str | None) -> WorldConfig:
    """What the options say of how a world-wide gallery answers.

    Raises:
        UsageError: there is no such way to guess.
    """
    from periplus.pipeline.world import WorldConfig

    return WorldConfig(neighbours=neighbours or 0, guess=guess)
