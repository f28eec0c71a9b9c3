"""How far long work is: a bar on standard error, on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[str, int, "int | None"], None]
"""Told the stage, how much of it is done, and how much there is (None where nobody knows)."""

_STAGES = {
    "read": "Reading",
    "learn": "Learning what photos look like",
    "describe": "Describing photos",
    "calibrate": "Calibrating",
    "evaluate": "Locating queries",
    "compare": "Looking for near duplicates",
    "train": "Training",
    "ask": "Asking queries",
    "rerank": "Comparing local features",
    "locate": "Locating",
    "search": "Searching",
    "draw": "Drawing",
    "pairs": "Comparing pairs",
    "measure": "Measuring vectors",
}


@contextmanager
def progress(wanted: bool = True) -> Iterator[Tell]:
    """Yield what is told of the progress; it shows a bar with rate and time left where there is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not (wanted and console.is_terminal):
        yield _silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import ProgressColumn as Column
    from rich.text import Text

    class Rate(Column):
        """Photos a second, or seconds a photo."""

        def render(self, task: Task) -> Text:
            speed = task.speed or 0.0
            words = "" if not speed else f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each"
            return Text(words.rjust(10))

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    # Answers on standard output stay there: redirected ones would end on standard error.
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as bars:
        stages: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int | None) -> None:
            if stage not in stages:
                for before in stages.values():
                    bars.update(before, total=bars.tasks[before].completed)
                stages[stage] = bars.add_task(_STAGES[stage], total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield tell


def _silent(_stage: str, _done: int, _total: int | None) -> None:
    """Say nothing."""
