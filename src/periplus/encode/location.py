"""From positions to vectors, with NumPy alone: what a gallery of bare positions is made by.

GeoCLIP works in float32, and the phases of its finest frequencies (sigma 256) reach 6,400 radians: they are rounded by
half a thousandth, and the last bit of a sine in the projection, worth half a metre, is seen in the vectors. So this is
GeoCLIP's arithmetic rounding by rounding. Torch's sines are not quite correct, and only torch has them: where it is
installed the projection is computed with it, elsewhere with functions that are rounded correctly.

Measured with the released weights on 10,000 positions with poles and date line, against GeoCLIP's code under torch 2.13
(components of unit vectors, rms 0.044): with torch's projection vectors differ by 2e-7. Without it the projection
differs by at most 1.8e-7, in one position of eight; half of the positions differ by less than 2e-7, 94 % by less than
1e-5, the worst by 8e-5. GeoCLIP itself differs by 1.3e-5 between one batch and one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.encode.extras import has_package
from periplus.encode.harmonics import real_harmonics
from periplus.encode.location_config import FIRST_W0, LocationConfig, frequencies, weight_and_bias
from periplus.encode.picture_encoder import require_finite
from periplus.encode.weights import load_arrays, require_names
from periplus.encode.whitening import unit_rows
from periplus.errors import CannotRunError, UsageError
from periplus.store import fingerprint

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_MAP_SCALE = 66.50336
_ROWS_AT_ONCE = 2048

Floats = NDArray[np.float32]


class LocationEncoder(Protocol):
    """From positions to unit vectors.

    Attributes:
        dim: length of the vectors.
        fingerprint: of kind, shape and weights.
    """

    @property
    def dim(self) -> int: ...  # noqa: D102 - told above

    @property
    def fingerprint(self) -> str: ...  # noqa: D102 - told above

    def encode(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
        """Unit rows float32 (n, dim) of positions (n,); memory beyond the result does not grow with n."""
        ...


class NumpyLocationEncoder:
    """A location encoder of any kind.

    Args:
        config: kind and shape.
        arrays: as :meth:`LocationConfig.shapes` names them, float32 or float16.

    Raises:
        CannotRunError: an array is missing, too much, misshaped, of another type or not finite.
    """

    def __init__(self, config: LocationConfig, arrays: Mapping[str, NDArray[np.floating]]) -> None:
        require_arrays(config, arrays)
        self.config = config
        self._arrays = {name: np.ascontiguousarray(arrays[name], np.float32) for name in sorted(arrays)}
        self.dim = config.dim
        # The degree says nothing where there are no harmonics, nor do frequencies where there are only harmonics.
        shape = [config.kind, config.capsules, config.inputs, config.width, config.layers, config.dim]
        self.fingerprint = f"location-{fingerprint(shape, *self._arrays.values())}"

    def encode(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
        """Unit rows float32 (n, dim) of positions (n,), in blocks.

        Raises:
            UsageError: the shapes differ, a latitude is not within [-90, 90] or a longitude not within [-180, 180].
        """
        lat, lon = np.asarray(lat_deg, np.float64), np.asarray(lon_deg, np.float64)
        if lat.ndim != 1 or lat.shape != lon.shape:
            raise UsageError(f"Latitudes {lat.shape} and longitudes {lon.shape} are not two columns of one length.")
        beside = ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
        if beside.any():
            row = int(beside.argmax())
            raise UsageError(f"Position {row}, ({lat[row]}, {lon[row]}), is none: degrees up to ±90 and ±180 are.")
        rows = np.empty((len(lat), self.dim), np.float32)
        # Projected all at once: torch's sines at the end of a batch are not those of its middle.
        on_map = _projected(lat, lon) if self.config.kind == "rff" else None
        for start in range(0, len(lat), _ROWS_AT_ONCE):
            block = slice(start, start + _ROWS_AT_ONCE)
            if on_map is not None:
                rows[block] = unit_rows(self._waved(on_map[block]))
            else:
                values = real_harmonics(lat[block], lon[block], self.config.legendre_degree)
                rows[block] = unit_rows(self._network(0, values.astype(np.float32)))
        require_finite(rows)
        return rows

    def arrays(self) -> dict[str, Floats]:
        """The arrays by name."""
        return dict(self._arrays)

    def _waved(self, on_map: Floats) -> Floats:
        total = np.zeros((len(on_map), self.dim), np.float32)
        for capsule in range(self.config.capsules):
            total += self._network(capsule, _waves(on_map, self._arrays[frequencies(capsule)]))
        return total

    def _network(self, capsule: int, values: Floats) -> Floats:
        for layer in range(self.config.layers + 1):
            weight, bias = (self._arrays[name] for name in weight_and_bias(capsule, layer))
            values = values @ weight.T
            values += bias
            if layer == self.config.layers:
                break
            if self.config.kind == "rff":
                np.maximum(values, 0, out=values)
            else:
                values *= np.float32(1 if layer else FIRST_W0)
                np.sin(values, out=values)
        return values


def _projected(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> Floats:
    if not has_package("torch"):
        return map_position(lat_deg, lon_deg)
    from periplus.encode.models.location import map_position as torch_map_position

    return torch_map_position(lat_deg, lon_deg)


def map_position(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> Floats:
    """GeoCLIP's Equal Earth float32 (n, 2), x east in [-1, 1] and y north, of positions (n,).

    That of :func:`periplus.geo.equal_earth` times 66.50336/180, rounded where GeoCLIP's code rounds.
    """
    f = np.float32
    lat, lon = (np.asarray(angle, f) * f(np.pi / 180) for angle in (lat_deg, lon_deg))
    root = np.sqrt(f(3))
    theta = _rounded(np.arcsin, root / f(2) * _rounded(np.sin, lat))
    square = theta * theta
    sixth, seventh, eighth, ninth = (np.power(theta, n, dtype=np.float64).astype(f) for n in (6, 7, 8, 9))
    slope = f(3) * (f(9 * _A4) * eighth + f(7 * _A3) * sixth + f(3 * _A2) * square + f(_A1))
    x = f(2) * root * lon * _rounded(np.cos, theta) / slope
    y = f(_A4) * ninth + f(_A3) * seventh + f(_A2) * (square * theta) + f(_A1) * theta
    return np.stack((x, y), axis=1) * f(_MAP_SCALE) / f(180)


def _rounded(function: np.ufunc, values: Floats) -> Floats:
    """A function's value to the last bit of float32, the same on every machine."""
    return np.asarray(function(values, dtype=np.float64), np.float32)


def load_location_encoder(path: Path, config: LocationConfig) -> NumpyLocationEncoder:
    """The encoder whose arrays lie in a ``.safetensors`` file.

    Raises:
        MissingExtraError: safetensors is not installed.
        CannotRunError: the file is missing, damaged, or holds other arrays than ``config`` asks for.
    """
    arrays = load_arrays(path)
    try:
        return NumpyLocationEncoder(config, arrays)
    except CannotRunError as error:
        raise CannotRunError(f"{path}: {error}") from error


def require_arrays(config: LocationConfig, arrays: Mapping[str, NDArray[np.floating]]) -> None:
    """Refuse arrays that are not exactly what ``config`` asks for.

    Raises:
        CannotRunError: one is missing, too much, misshaped, of another type or not finite.
    """
    shapes = config.shapes()
    require_names(arrays, shapes)
    for name, shape in shapes.items():
        array = arrays[name]
        if array.shape != shape or array.dtype not in (np.float32, np.float16):
            raise CannotRunError(
                f"{name!r} is {array.dtype} {array.shape}, but this location encoder needs float32 or float16 {shape}."
            )
        if not np.isfinite(array).all():
            raise CannotRunError(f"{name!r} has numbers that are not finite: the weights are damaged.")


def _waves(on_map: Floats, turns: Floats) -> Floats:
    """Cosines, then sines float32 (n, 2 f) of 2π times the map position (n, 2) times frequencies (f, 2)."""
    x, y = np.split(np.float32(2 * np.pi) * on_map, 2, axis=1)
    # A fused multiply-add, as matrix products are made of: float64 holds a product of two float32 whole.
    phases = (y.astype(np.float64) * turns[:, 1].astype(np.float64) + x * turns[:, 0]).astype(np.float32)
    return np.concatenate((np.cos(phases), np.sin(phases)), axis=1)
