"""The shape of a location encoder, and the arrays that make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from periplus.encode.described import described
from periplus.errors import UsageError

LOCATION_KINDS: Mapping[str, str] = {
    "rff": "Equal Earth, random Fourier features and one network a frequency band, summed: GeoCLIP's",
    "harmonics": "spherical harmonics and a network of sines: smooth, without seam or poles, as SatCLIP's",
}
"""Kinds of location encoders by name."""

FIRST_W0 = 30.0
"""Of ``harmonics``: what the inputs of the first sines are multiplied by (SIREN)."""

_LARGEST_DEGREE = 60


@dataclass(frozen=True)
class LocationConfig:
    """Which location encoder, of which size.

    Attributes:
        kind: a key of :data:`LOCATION_KINDS`.
        sigmas: of ``rff``: deviations of the frequencies, in turns over half the width of the map; a capsule each.
        features: of ``rff``: frequencies a capsule; each gives a cosine and a sine.
        width: of the hidden layers.
        layers: hidden layers.
        dim: length of the vectors.
        legendre_degree: of ``harmonics``: the highest degree L; there are (L + 1)² harmonics.

    Raises:
        UsageError: a value is impossible.
    """

    kind: Literal["rff", "harmonics"] = "rff"
    sigmas: tuple[float, ...] = (1.0, 16.0, 256.0)
    features: int = 256
    width: int = 1024
    layers: int = 3
    dim: int = 512
    legendre_degree: int = 10

    def __post_init__(self) -> None:
        """Check values."""
        if self.kind not in LOCATION_KINDS:
            raise UsageError(f"No location encoder {self.kind!r}; there are {', '.join(LOCATION_KINDS)}.")
        sizes = (self.features, self.width, self.layers, self.dim)
        if not all(type(size) is int and 1 <= size <= 1 << 16 for size in sizes):
            raise UsageError(f"features, width, layers and dim are whole numbers from 1 to 65,536, not {sizes}.")
        if type(self.legendre_degree) is not int or not 0 <= self.legendre_degree <= _LARGEST_DEGREE:
            raise UsageError(f"legendre_degree is from 0 to {_LARGEST_DEGREE}, not {self.legendre_degree!r}.")
        if not self.sigmas or not all(0 < sigma <= 1e6 for sigma in self.sigmas):
            raise UsageError(f"sigmas are numbers above 0 and at most a million, at least one, not {self.sigmas}.")

    @property
    def inputs(self) -> int:
        """Numbers that a position becomes before the first layer."""
        return 2 * self.features if self.kind == "rff" else (self.legendre_degree + 1) ** 2

    @property
    def capsules(self) -> int:
        """Networks whose vectors are summed."""
        return len(self.sigmas) if self.kind == "rff" else 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The arrays of such an encoder: name and shape."""
        widths = (self.inputs, *(self.width,) * self.layers, self.dim)
        shapes: dict[str, tuple[int, ...]] = {}
        for capsule in range(self.capsules):
            if self.kind == "rff":
                shapes[frequencies(capsule)] = (self.features, 2)
            for layer in range(self.layers + 1):
                weight, bias = weight_and_bias(capsule, layer)
                shapes[weight], shapes[bias] = (widths[layer + 1], widths[layer]), (widths[layer + 1],)
        return shapes

    def spec(self) -> dict[str, object]:
        """The values as JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_spec(cls, values: Mapping[str, object]) -> LocationConfig:
        """Back from :meth:`spec`; what is not there has its default.

        Raises:
            UsageError: a key is unknown, or a value impossible.
        """
        return described(cls, values, "location encoder")


def frequencies(capsule: int) -> str:
    """Name of a capsule's frequencies (features, 2)."""
    return f"capsules.{capsule}.frequencies"


def weight_and_bias(capsule: int, layer: int) -> tuple[str, str]:
    """Names of the arrays of a capsule's layer; the one after the hidden layers gives the vectors."""
    return f"capsules.{capsule}.layers.{layer}.weight", f"capsules.{capsule}.layers.{layer}.bias"
