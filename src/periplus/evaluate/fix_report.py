"""The report of estimated positions: what a report has, and how it looks by author, by place and by stratum."""

from __future__ import annotations

from dataclasses import dataclass, field

from periplus.records import Interval, Report


@dataclass(frozen=True)
class Clustered:
    """How sure the values are where photos of one author (or sequence) are not independent.

    Attributes:
        column: which told them apart.
        clusters: how many there are; a query without one is its own.
        intervals: the values with the interval of the cluster bootstrap.
        design_effect: by value, the variance with clusters over that of independent queries (Kish, Survey Sampling,
            1965, § 5.4); NaN where there is none, and none for medians.
        effective_n: by value, as many independent queries would tell as much: queries / design effect.
    """

    column: str
    clusters: int
    intervals: dict[str, Interval]
    design_effect: dict[str, float]
    effective_n: dict[str, float]


@dataclass(frozen=True)
class PlaceTruth:
    """What the places of the guesses were compared with.

    Attributes:
        source: the column of the source, or ``"gazetteer"``: the nearest town of the true position.
        n: queries that count.
        unknown: queries left out since their true place is not known.
        unrecognised: left out since the gazetteer, which names the guess, does not have their true place's name.
    """

    source: str
    n: int
    unknown: int
    unrecognised: int


@dataclass(frozen=True)
class FixReport(Report):
    """A report of positions.

    Attributes:
        clustered: None where nothing tells which queries belong together.
        places: by kind (``"country"``), what was compared; empty where the protocol has no places.
        strata: by kind (``"continent"``) and name (``"Europe"``), the values of those queries alone.
    """

    clustered: Clustered | None = None
    places: dict[str, PlaceTruth] = field(default_factory=dict)
    strata: dict[str, dict[str, FixReport]] = field(default_factory=dict)
