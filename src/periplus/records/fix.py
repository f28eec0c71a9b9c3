"""The estimate of a position, with how sure it is and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError
from periplus.records.match import Match


@dataclass(frozen=True)
class Density:
    """Where the camera may have stood: a mixture of round kernels on the sphere.

    Attributes:
        lat_deg, lon_deg: float64 (n,), the centres.
        weights: float64 (n,), not negative, sum 1.
        sigma_km: float64 (n,), standard deviation of each kernel to the north and to the east, in km.

    Raises:
        RecordError: the shapes differ, the weights are no shares, or a kernel has no width.
    """

    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    weights: NDArray[np.float64]
    sigma_km: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check shapes and shares."""
        shapes = {np.shape(part) for part in (self.lat_deg, self.lon_deg, self.weights, self.sigma_km)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise RecordError(f"Centres, weights and widths of a density must all be (n,); they are {shapes}.")
        if len(self.weights) and (self.weights.min() < 0 or abs(self.weights.sum() - 1) > 1e-9):
            raise RecordError(
                f"The weights of a density sum to {self.weights.sum()}, the least is {self.weights.min()}."
            )
        if len(self.weights) and not self.sigma_km.min() > 0:
            raise RecordError(f"A kernel of a density has the width {self.sigma_km.min()} km.")


@dataclass(frozen=True)
class Evidence:
    """One gallery photo that speaks for an estimate.

    Attributes:
        row: its gallery row.
        id: its stable id.
        path: its file, None for a bare position.
        lat_deg, lon_deg: where its camera stood, in degrees.
        score: its place in the final ranking; larger is better.
        match: the verified geometry, None where none was sought.
        distance_km: from the estimate.
    """

    row: int
    id: str
    path: str | None
    lat_deg: float
    lon_deg: float
    score: float
    match: Match | None
    distance_km: float


@dataclass(frozen=True)
class Place:
    """A candidate place and its share of the belief.

    Attributes:
        lat_deg, lon_deg: degrees.
        weight: share of the belief, 0 to 1.
        name: the nearest town, with region and country.
    """

    lat_deg: float
    lon_deg: float
    weight: float
    name: str


@dataclass(frozen=True)
class Area:
    """A country, region or city, and the probability that the camera stood in it.

    Attributes:
        kind: ``"country"``, ``"region"`` or ``"city"``.
        name: in words, the larger areas behind the smaller: ``"Lyon, Auvergne-Rhône-Alpes, France"``.
        country_code: ISO 3166-1 alpha-2.
        probability: 0 to 1.
    """

    kind: str
    name: str
    country_code: str
    probability: float


@dataclass(frozen=True)
class RecordedPosition:
    """What the query's own file says of its position; never mixed into the estimate.

    Attributes:
        lat_deg, lon_deg: degrees.
        source: ``"exif"`` or ``"xmp"``.
        distance_km: from the estimate; None where there is no estimate.
    """

    lat_deg: float
    lon_deg: float
    source: str
    distance_km: float | None


@dataclass(frozen=True)
class Fix:
    """Where a photo was taken: the position of its camera (not of what it shows).

    Attributes:
        lat_deg, lon_deg: the best guess in degrees; NaN where not even a guess is possible.
        radius_km_50, radius_km_90: hold the truth with 50 % and 90 % probability, given that it is answered.
        confidence: calibrated probability, 0 to 1, that the guess is right (within ``confidence_radius_km``).
        confidence_radius_km: the distance that counts as right.
        abstained: None where the guess is offered as an answer, else the reason why it is not.
        evidence: the gallery photos that carry it, strongest first.
        runner_up: the next best place elsewhere.
        density: for a map.
        place: the nearest town of the guess.
        recorded: what the file itself says, if it was read.
        areas: the most probable countries, regions and cities, each kind best first; only of world-wide beliefs.
        carried_by: how much of the belief at the guess each kind of evidence brought: ``"landmarks"`` (verified
            photos), ``"photos"`` (neighbours), ``"positions"``, ``"texts"``; shares that sum to 1. Empty where there is
            only one kind.
    """

    lat_deg: float
    lon_deg: float
    radius_km_50: float
    radius_km_90: float
    confidence: float
    confidence_radius_km: float
    abstained: str | None
    evidence: tuple[Evidence, ...] = ()
    runner_up: Place | None = None
    density: Density | None = field(default=None, repr=False)
    place: str = ""
    recorded: RecordedPosition | None = None
    areas: tuple[Area, ...] = ()
    carried_by: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check bounds."""
        if not 0 <= self.confidence <= 1:
            raise RecordError(f"A confidence of {self.confidence} is not a probability.")
        if self.abstained is None and not (abs(self.lat_deg) <= 90 and -180 <= self.lon_deg < 180):
            raise RecordError(f"An answer at lat {self.lat_deg}, lon {self.lon_deg} is not on the globe.")
        if self.radius_km_50 > self.radius_km_90:
            raise RecordError(f"The 50 % radius {self.radius_km_50} exceeds the 90 % radius {self.radius_km_90}.")

    @property
    def answered(self) -> bool:
        """Whether the guess is offered as an answer."""
        return self.abstained is None
