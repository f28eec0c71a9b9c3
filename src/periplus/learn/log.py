"""A run's metrics: JSON lines and TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from periplus.store import write_bytes_atomic, writing


class MetricsLog:
    """Writes ``metrics.jsonl`` and TensorBoard's events.

    Each line is an object with ``kind`` (``"start"``, ``"step"``, ``"epoch"``), ``step`` and values. A resumed run
    takes back what was written after its state, so that the file reads as if nothing had happened.

    Args:
        folder: the run's.
        step: optimizer steps done; later lines are dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / "metrics.jsonl"
        kept = [line for line in read_metrics(self._path) if int(line["step"]) <= step] if step else []
        with writing(self._path):
            write_bytes_atomic(self._path, "".join(json.dumps(line) + "\n" for line in kept).encode())
            self._file = self._path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Write one line, and its numbers as TensorBoard scalars ``kind/name``."""
        with writing(self._path):
            self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
            self._file.flush()
        for name, value in values.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        self._board.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file, [] where there is none; a last line cut short by a kill is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]
