"""From positions to vectors, as modules of torch: the twins of :mod:`periplus.encode.location`, to be trained."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from periplus.encode.harmonics import real_harmonics
from periplus.encode.location_config import FIRST_W0, LocationConfig

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_MAP_SCALE = 66.50336


class LocationNetwork(nn.Module):
    """A location encoder.

    ``rff``: the sum over capsules of an MLP with ReLU on the cosines and sines of 2π B p, where p is the position on
    the Equal Earth map and B ~ N(0, sigma²) is not trained; operation by operation that of Vivanco Cepeda et al.,
    GeoCLIP, NeurIPS 2023 (arXiv 2309.16020), in float32. ``harmonics``: a SIREN (Sitzmann et al., 2020; w0 30 in the
    first layer, 1 in the others) on spherical harmonics, after Rußwurm et al., ICLR 2024, and Klemmer et al., SatCLIP,
    2024 (whose L counts degrees: its 10 is the degree 9 here).

    Attributes:
        config: kind and shape.
        dim: length of the vectors.
    """

    def __init__(self, config: LocationConfig) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        sigmas = config.sigmas if config.kind == "rff" else (0.0,)
        self.capsules = nn.ModuleList(_Capsule(config, sigma) for sigma in sigmas)

    def forward(self, lat_lon_deg: Tensor) -> Tensor:
        """Vectors float32 (n, dim), not normalised, of positions (n, 2): latitude and longitude in degrees."""
        inputs = self.on_map(lat_lon_deg) if self.config.kind == "rff" else self._harmonics(lat_lon_deg)
        total = torch.zeros(len(inputs), self.dim, device=inputs.device)
        for capsule in self.capsules:
            total = total + capsule(inputs)
        return total

    @staticmethod
    def on_map(lat_lon_deg: Tensor) -> Tensor:
        """Equal Earth float32 (n, 2), x in [-1, 1]; every rounding as in GeoCLIP's code, since sigma 256 sees it."""
        lat, lon = torch.deg2rad(lat_lon_deg.float()).unbind(dim=1)
        root = torch.tensor(3.0).sqrt().to(lat.device)
        theta = torch.asin(root / 2 * torch.sin(lat))
        slope = 3 * (9 * _A4 * theta**8 + 7 * _A3 * theta**6 + 3 * _A2 * theta**2 + _A1)
        x = 2 * root * lon * torch.cos(theta) / slope
        y = _A4 * theta**9 + _A3 * theta**7 + _A2 * theta**3 + _A1 * theta
        return torch.stack((x, y), dim=1) * _MAP_SCALE / 180

    def _harmonics(self, lat_lon_deg: Tensor) -> Tensor:
        # Nothing here is learnt, and no gradient goes to a position: NumPy's one implementation serves both.
        lat, lon = lat_lon_deg.detach().double().cpu().numpy().T
        values = torch.from_numpy(real_harmonics(lat, lon, self.config.legendre_degree))
        return values.to(lat_lon_deg.device, torch.float32)


def map_position(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float32]:
    """GeoCLIP's Equal Earth float32 (n, 2) of positions (n,), by torch: to the last bit what the network sees."""
    with torch.inference_mode():
        on_map = LocationNetwork.on_map(torch.from_numpy(np.stack((lat_deg, lon_deg), axis=1)))
    return np.asarray(on_map.numpy(), np.float32)


class _Capsule(nn.Module):
    """One network; for ``rff`` with its own frequencies before it."""

    frequencies: Tensor

    def __init__(self, config: LocationConfig, sigma: float) -> None:
        super().__init__()
        self.waves = config.kind == "harmonics"
        widths = (config.inputs, *(config.width,) * config.layers, config.dim)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        if self.waves:
            self._initialise_waves()
        else:
            self.register_buffer("frequencies", torch.randn(config.features, 2) * sigma)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.waves:
            phases = 2 * math.pi * inputs @ self.frequencies.T
            inputs = torch.cat((torch.cos(phases), torch.sin(phases)), dim=-1)
        for i, layer in enumerate(self.layers):
            inputs = layer(inputs)
            if i + 1 < len(self.layers):
                inputs = torch.sin(inputs * (1.0 if i else FIRST_W0)) if self.waves else torch.relu(inputs)
        return inputs

    def _initialise_waves(self) -> None:
        """Uniform, ±1/n in the first layer and ±√(6/n) in the others, so that every layer's answers look alike."""
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            bound = math.sqrt(6 / layer.in_features) if i else 1 / layer.in_features
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.uniform_(layer.bias, -bound, bound)


def build_location_network(config: LocationConfig, seed: int = 0) -> LocationNetwork:
    """A new network in training mode, the same for the same seed; torch's own state of chance is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LocationNetwork(config).train()
