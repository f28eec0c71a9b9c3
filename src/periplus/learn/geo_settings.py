"""The settings of an image tower and a location tower that are trained together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from periplus.errors import UsageError
from periplus.learn.strict import setting


@dataclass(frozen=True)
class LocationSettings:
    """[model.location]: the network from positions to vectors, for objectives that learn positions.

    Attributes:
        kind: random Fourier features of the Equal Earth plane, or spherical harmonics.
        sigmas: of the Fourier features, one network each; GeoCLIP's 1, 16, 256, of which 256 is for streets.
        features: of each sigma, before sine and cosine.
        width: of the hidden layers.
        layers: hidden layers.
        legendre_degree: of the harmonics.
    """

    kind: Literal["rff", "harmonics"] = "rff"
    sigmas: tuple[float, ...] = setting((1.0, 16.0, 256.0), above=0, most=1e6)
    features: int = setting(256, least=1, most=65536)
    width: int = setting(1024, least=1, most=65536)
    layers: int = setting(3, least=1, most=64)
    legendre_degree: int = setting(10, least=0, most=60)

    def __post_init__(self) -> None:
        """Check that there is a network."""
        if not self.sigmas:
            raise UsageError("model.location.sigmas names no sigma: give at least one, such as [1, 4, 16].")


@dataclass(frozen=True)
class GeolocationConfig:
    """[train.geolocation]: the objective ``geolocation``.

    Attributes:
        queue: training positions of past batches that every batch is compared with besides its own; 0 for none.
        batch_noise_m, queue_noise_m: standard deviation of the Gaussian noise on a position of the batch and of the
            queue, to the east and to the north each.
        symmetric: whether the cross-entropy from position to picture counts half.
        near_km: another position at most this far from a photo's own is no negative for it; 0: every other one is.
        scale: of the cosines, at the start; it is learnt.
        max_scale: what it is held below.
        gallery: training positions that validation locates among, at most.
        half: whether checkpoints are kept in float16.
    """

    queue: int = setting(4096, least=0)
    batch_noise_m: float = setting(150.0, least=0, most=1e6)
    queue_noise_m: float = setting(1000.0, least=0, most=1e6)
    symmetric: bool = False
    near_km: float = setting(0.0, least=0, most=20_000)
    scale: float = setting(1 / 0.07, above=0, most=100)
    max_scale: float = setting(100.0, above=0, most=100)
    gallery: int = setting(100_000, least=1)
    half: bool = False

    def __post_init__(self) -> None:
        """Check what no single setting can know."""
        if self.scale > self.max_scale:
            raise UsageError(
                f"train.geolocation.scale {self.scale:g} must not exceed its max_scale, {self.max_scale:g}."
            )
