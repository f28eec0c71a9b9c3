"""Which epochs' networks are kept, and where: ``last/``, ``best/`` and, where more are wanted, ``epochs/``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

BEST, LAST, EPOCHS = "best", "last", "epochs"


def rank_epoch(kept: list[list[float]], value: float, epoch: int, keep: int) -> list[list[float]]:
    """The best epochs so far, (value, epoch), best first; of equal ones the earlier is better."""
    return sorted([*kept, [value, epoch]], key=lambda one: (-one[0], one[1]))[:keep]


def keep_checkpoints(
    save: Callable[[Path, Mapping[str, Any]], None], folder: Path, card: Mapping[str, Any], kept: list[list[float]]
) -> None:
    """Write an epoch's network to ``last/``, and to where the best are kept if it is among them.

    Args:
        save: writes the network and a card to a folder.
        folder: the run's.
        card: what is said of it; ``card["epoch"]`` is its epoch.
        kept: the best epochs, this one counted.

    Raises:
        CannotRunError: the system refused to write.
    """
    epoch = int(card["epoch"])
    save(folder / LAST, card)
    if int(kept[0][1]) == epoch:
        save(folder / BEST, card)
    names = {f"epoch-{int(one):04d}" for _, one in kept}
    if len(kept) > 1 and f"epoch-{epoch:04d}" in names:
        (folder / EPOCHS).mkdir(exist_ok=True)
        save(folder / EPOCHS / f"epoch-{epoch:04d}", card)
    for old in (folder / EPOCHS).glob("epoch-*"):
        if old.name not in names:
            shutil.rmtree(old, ignore_errors=True)
