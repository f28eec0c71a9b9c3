"""Fits to fields of the planet whose semivariograms are known: how near range, sill and nugget come to the truth.

For each family, seed, way of drawing and number of draws a value has: the exact semivariogram of all pairs, the fit of
the family, and the ratios of what was fitted to what was put in. A plain draw is the first that comes and differs from
its model by chance, the more so the longer its length scale; a typical one is chosen to follow its model on 2,000 of
the places. Values of 16 draws are vectors, whose semivariance is the mean of the draws'.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import report
from benchmarks.spatial_ours import exact
from periplus.geo import to_unit
from periplus.spatial.fitting.fit import Fit, fit_model
from periplus.spatial.fitting.models import Family, VariogramModel
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import log_lags
from periplus.synth.planet.samples import FAMILIES, FieldsConfig, drawn
from periplus.synth.planet.scatter import Where, scatter

Line = dict[str, object]
Values = NDArray[np.float64]
_NUGGET, _SILL = 0.25, 1.0
_SHAPES = {"matern": 1.5}
_NEAR = 0.1
_PARTS = ("effective_range_km", "sill", "nugget")


@dataclass(frozen=True)
class Case:
    """One kind of field.

    Attributes:
        family: of the field and of the fit.
        length_scale_km: L.
        typical: whether the draw follows its model on these places.
        dims: draws a value has.
        where: how the places lie.
    """

    family: Family
    length_scale_km: float
    typical: bool
    dims: int
    where: Where

    @property
    def truth(self) -> VariogramModel:
        """What it was made from: chords, and the smoothness that fields of the planet have."""
        shape = _SHAPES.get(self.family, 1.0)
        return VariogramModel(self.family, _NUGGET, _SILL, self.length_scale_km, shape, "chord")

    def values(self, n: int, seed: int) -> tuple[Values, Values, Values]:
        """Latitudes, longitudes and values (n,) or (n, dims); vectors are shortened so that their sill is a draw's."""
        config = FieldsConfig(n, (self.family,), self.length_scale_km, _SILL, _NUGGET, self.dims, seed, self.typical)
        lat, lon = scatter(self.where, n, seed)
        fields = list(drawn(config, config.models[0], to_unit(lat, lon)))
        if self.dims == 1:
            return lat, lon, fields[0].at(lat, lon)
        return lat, lon, np.stack([field.at(lat, lon) for field in fields], axis=1) / np.sqrt(self.dims)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--length-scales", type=float, nargs="+", default=[300.0], help="km; 600 is harder")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--where", choices=get_args(Where), nargs="+", default=["sphere", "towns"])
    parser.add_argument("--lags", type=int, default=25)
    parser.add_argument("--shortest", type=float, default=10.0, help="km, the first lag's end; lags grow by one factor")
    parser.add_argument("--reach", type=float, default=2.0, help="the last lag's end, in effective ranges")
    parser.add_argument("--weights", choices=("pairs", "cressie", "equal"), default="equal")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default="spatial_fits", help="of the file of results")
    chosen = parser.parse_args()
    names = cast("tuple[Family, ...]", FAMILIES)
    kinds = itertools.product(names, chosen.length_scales, (True, False), chosen.dims, chosen.where)
    report(chosen.name, [line for kind in kinds for line in measure(Case(*kind), chosen)])


def measure(case: Case, chosen: argparse.Namespace) -> Iterator[Line]:
    """One line a seed, and one of all seeds."""
    truth = case.truth
    edges = log_lags(chosen.shortest, chosen.reach * truth.effective_range_km, chosen.lags).edges_km
    fits = []
    for seed in range(chosen.seeds):
        lat, lon, values = case.values(chosen.n, seed)
        values = values if case.dims == 1 else np.asarray(values, np.float32)
        curve = exact(Observations(lat, lon, values), edges, chosen.workers)
        fits.append(fit_model(curve, case.family, chosen.weights, "chord", _SHAPES.get(case.family)))
        yield described(case, chosen.n, seed, fits[-1:])
    yield described(case, chosen.n, "all", fits)


def described(case: Case, n: int, seed: int | str, fits: Sequence[Fit]) -> Line:
    """Ratios of fitted to true, their mean over fits, and how many fits have all three near."""
    ratios = np.array([[getattr(fit.model, part) / getattr(case.truth, part) for part in _PARTS] for fit in fits])
    near = np.abs(ratios - 1) <= _NEAR
    line: Line = {
        "family": case.family,
        "length_scale_km": case.length_scale_km,
        "draw": "typical" if case.typical else "plain",
        "draws_a_value": case.dims,
        "where": case.where,
        "n": n,
        "seed": seed,
    }
    line |= {f"{part}_ratio": float(ratio) for part, ratio in zip(_PARTS, ratios.mean(axis=0), strict=True)}
    line |= {f"{part}_near": float(share) for part, share in zip(_PARTS, near.mean(axis=0), strict=True)}
    return line | {"all_three_within_10_percent": float(near.all(axis=1).mean())}


if __name__ == "__main__":
    main()
