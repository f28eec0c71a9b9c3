"""What the makers of a benchmark say answers each query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from periplus.errors import RecordError


@dataclass(frozen=True)
class Truth:
    """Answers by query, as ids: of a protocol's making, nothing is known here.

    Attributes:
        queries: their ids, as in the catalog, in the order of the benchmark.
        groups: by name, for each query what belongs to that group. Ids of gallery photos: ``"relevant"`` (GLDv2),
            ``"easy"``, ``"hard"`` and ``"junk"`` (revisited), ``"ok"`` and ``"junk"`` (Oxford5k, Paris6k). Landmarks:
            ``"landmark"`` (GLDv2 recognition).
        usage: for each query ``"public"``, ``"private"`` or ``"ignored"``; empty where a benchmark has no such parts.

    Raises:
        RecordError: a query stands twice, or a part is not as long as the others.
    """

    queries: tuple[str, ...]
    groups: Mapping[str, tuple[tuple[str, ...], ...]]
    usage: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that all parts speak of the same queries."""
        n = len(self.queries)
        if len(set(self.queries)) != n:
            raise RecordError("A query stands twice in the truth.")
        lengths = {name: len(lists) for name, lists in self.groups.items()} | (
            {"usage": len(self.usage)} if self.usage else {}
        )
        if wrong := {name: length for name, length in lengths.items() if length != n}:
            raise RecordError(f"The truth of {n} queries has parts of other lengths: {wrong}.")

    def __len__(self) -> int:
        return len(self.queries)

    def select(self, usage: str) -> Truth:
        """The truth of the queries of one usage, such as ``"private"``."""
        rows = [row for row, used in enumerate(self.usage) if used == usage]
        groups = {name: tuple(lists[row] for row in rows) for name, lists in self.groups.items()}
        return Truth(tuple(self.queries[row] for row in rows), groups, (usage,) * len(rows))
