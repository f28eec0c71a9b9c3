"""The outcome of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from periplus.errors import RecordError


@dataclass(frozen=True)
class Interval:
    """A measured value with its 95 % interval.

    Attributes:
        value: the estimate.
        low, high: the interval's ends.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """Values by name, and what they were measured on.

    Attributes:
        protocol: the name of the definition.
        values: each with its interval.
        n: number of queries that count.
        left_out: why queries do not count, and how many.
        fingerprints: of encoder and gallery.
        table: one row a query.
    """

    protocol: str
    values: dict[str, Interval]
    n: int
    left_out: dict[str, int] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    table: pa.Table | None = None

    def __post_init__(self) -> None:
        """Check the counts."""
        if self.n < 0 or any(count < 0 for count in self.left_out.values()):
            raise RecordError(f"A report over {self.n} queries, leaving out {self.left_out}.")
