"""Values of random fields at scattered places, without photos: what spatial statistics are tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import to_unit
from periplus.store import atomic_path, write_array_atomic
from periplus.synth.planet.claim import claim
from periplus.synth.planet.fields import Family, FieldModel, RandomField
from periplus.synth.planet.scatter import Where, scatter

FORMAT: Final = 1
ABOUT_FILE, TABLE_FILE = "fields.json", "fields.parquet"
FAMILIES: Final[tuple[str, ...]] = get_args(Family)
MAX_DIMS: Final = 100
MAX_NUMBERS: Final = 100_000_000
"""Of points times families times dims: they are held in memory."""
_LOOKED_AT: Final = 2000
"""Places where a draw is compared with its model; all of their pairs are looked at."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class FieldsConfig:
    """Which fields to draw, and where to look at them.

    Attributes:
        points: how many places.
        families: of the fields, each once; see :class:`FieldModel`.
        length_scale_km, sill, nugget: of every field.
        dims: independent draws of each family.
        seed: other places, other draws.
        typical: whether draws are passed over whose own semivariogram is far from the model's at these places
            (:meth:`FieldModel.draw_typical`); else each is the first that comes.
        where: how the places lie (:func:`scatter`).

    Raises:
        UsageError: a value is out of its range.
    """

    points: int = 20_000
    families: tuple[str, ...] = FAMILIES
    length_scale_km: float = 300.0
    sill: float = 1.0
    nugget: float = 0.0
    dims: int = 1
    seed: int = 0
    typical: bool = True
    where: Where = "sphere"

    def __post_init__(self) -> None:
        """Check."""
        for name, low, high in (
            ("points", 2, MAX_NUMBERS), ("length_scale_km", 1.0, 20_000.0), ("sill", 1e-6, 1e6), ("nugget", 0.0, 1e6),
            ("dims", 1, MAX_DIMS), ("seed", 0, 2**63 - 1),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"FieldsConfig.{name} is {getattr(self, name)}; choose from {low:,} to {high:,}.")
        if self.where not in get_args(Where):
            raise UsageError(f"FieldsConfig.where is {self.where!r}; choose from {', '.join(get_args(Where))}.")
        if not self.families or sorted({*self.families} & {*FAMILIES}) != sorted(self.families):
            raise UsageError(
                f"FieldsConfig.families is {self.families}; choose from {', '.join(FAMILIES)}, each at most once."
            )
        if (numbers := self.points * len(self.families) * self.dims) > MAX_NUMBERS:
            raise UsageError(
                f"{self.points:,} points of {len(self.families)} families with {self.dims} dims are {numbers:,} "
                f"numbers; at most {MAX_NUMBERS:,} are drawn at once. Take fewer of one of them."
            )

    @property
    def models(self) -> tuple[FieldModel, ...]:
        """The model of each family, named after it."""
        names = cast("tuple[Family, ...]", self.families)
        return tuple(FieldModel(name, name, self.length_scale_km, self.sill, self.nugget) for name in names)

    def column(self, model: FieldModel, draw: int) -> str:
        """The table's column of a draw: ``matern``, or ``matern_07`` where there are several."""
        return model.name if self.dims == 1 else f"{model.name}_{draw:02d}"


@dataclass(frozen=True)
class FieldSamples:
    """Values of fields on disk.

    Attributes:
        root: their directory.
        table: Parquet, one row a place: ``lat``, ``lon``, then float64 columns (:meth:`FieldsConfig.column`).
        about: JSON: configuration, true models, format.
        vectors: by family, the draws as one float32 (points, dims) ``.npy``; none where there is one draw.
        config: what was asked for.
    """

    root: Path
    table: Path
    about: Path
    vectors: Mapping[str, Path]
    config: FieldsConfig


def make_fields(
    out: Path, config: FieldsConfig | None = None, progress: Callable[[int, int], None] | None = None
) -> FieldSamples:
    """Draw fields and write their values under ``out``; leave what is finished as it is.

    The table is written last: where it is, all is.

    Args:
        out: the directory; made if missing.
        config: what to draw; one field of each family at 20,000 places if None.
        progress: called after each field with how many values are drawn, and of how many.

    Raises:
        UsageError: ``out`` holds something else than these very fields.
        CannotRunError: the system refuses to write.
    """
    config = config or FieldsConfig()
    vectors = {model.name: out / f"{model.name}.npy" for model in config.models} if config.dims > 1 else {}
    samples = FieldSamples(out, out / TABLE_FILE, out / ABOUT_FILE, vectors, config)
    claim(samples.about, about(config), "sample of fields")
    if samples.table.exists():
        return samples
    lat, lon = scatter(config.where, config.points, config.seed)
    columns = {"lat": lat, "lon": lon}
    total = config.points * len(config.models) * config.dims
    for model in config.models:
        names = [config.column(model, draw) for draw in range(config.dims)]
        for name, field in zip(names, drawn(config, model, to_unit(lat, lon)), strict=True):
            columns[name] = field.at(lat, lon)
            if progress is not None:
                progress(config.points * (len(columns) - 2), total)
        if model.name in vectors:
            write_array_atomic(vectors[model.name], np.stack([columns[name] for name in names], 1).astype(np.float32))
    with atomic_path(samples.table) as temporary:
        pa.parquet.write_table(pa.table(columns), temporary)
    return samples


def drawn(config: FieldsConfig, model: FieldModel, xyz: Values) -> Iterator[RandomField]:
    """The draws of a model, for the unit vectors (points, 3) of the places."""
    some = np.ascontiguousarray(xyz[:: max(1, len(xyz) // _LOOKED_AT)][:_LOOKED_AT])
    for draw in range(config.dims):
        seed = (config.seed, 8, draw)
        yield model.draw_typical(seed, some) if config.typical else model.draw(seed)


def about(config: FieldsConfig) -> dict[str, object]:
    """What ``fields.json`` says.

    Half the squared Euclidean distance of two vectors of ``dims`` draws is the sum of the draws' semivariances:
    ``vector_sill`` and ``vector_nugget`` are those of it.
    """
    return {
        "format": FORMAT,
        "what": "Values of random fields whose semivariograms are known, at places on the Earth.",
        "seed": config.seed,
        "points": config.points,
        "where": config.where,
        "typical": config.typical,
        "dims": config.dims,
        "fields": [
            {
                **asdict(model),
                "metric": "chord",
                "columns": [config.column(model, draw) for draw in range(config.dims)],
                "vectors": f"{model.name}.npy" if config.dims > 1 else None,
                "vector_sill": model.sill * config.dims,
                "vector_nugget": model.nugget * config.dims,
            }
            for model in config.models
        ],
    }
