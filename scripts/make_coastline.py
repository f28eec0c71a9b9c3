"""Makes src/periplus/geo/coastline.npz from Natural Earth's land polygons.

    python scripts/make_coastline.py

Needs npm. Natural Earth 1:50m, public domain, in the packaging of world-atlas 2.0.2 (TopoJSON, ISC licence).
The result is the same byte for byte every time.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "world-atlas@2.0.2"
MEMBER = "package/land-50m.json"
TARGET = Path(__file__).resolve().parents[1] / "src/periplus/geo/coastline.npz"


def main() -> None:
    """Fetch, stitch, store."""
    topology = fetch()
    rings = stitched(topology)
    points = np.concatenate(rings)
    starts = np.cumsum([0, *map(len, rings)])[:-1]
    scale, offset = topology["transform"]["scale"], topology["transform"]["translate"]
    # Small steps instead of large coordinates: half of the size after compression.
    steps = np.diff(points, axis=0, prepend=0)
    np.savez_compressed(
        TARGET,
        lon_steps=steps[:, 0].astype(np.int32),
        lat_steps=steps[:, 1].astype(np.int32),
        starts=starts.astype(np.int32),
        scale_deg=np.asarray(scale, np.float64),
        offset_deg=np.asarray(offset, np.float64),
    )
    print(f"{TARGET}: {len(rings)} rings, {len(points)} points, {TARGET.stat().st_size / 1000:.0f} kB")  # noqa: T201


def fetch() -> dict[str, Any]:
    """The TopoJSON document."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", PACKAGE], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            file = tar.extractfile(MEMBER)
            if file is None:
                raise SystemExit(f"{PACKAGE} has no file {MEMBER}.")
            document: dict[str, Any] = json.load(file)
            return document


def stitched(topology: dict[str, Any]) -> list[NDArray[np.int64]]:
    """All rings, outer and inner alike (they are filled by the even-odd rule): quantised (lon, lat), closed."""
    arcs = [np.cumsum(np.asarray(arc, np.int64), axis=0) for arc in topology["arcs"]]
    rings = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for ring in polygon:
                # The complement of a number stands for the arc backwards; arcs share their end points.
                parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
                points = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
                # A ring along the south pole only serves flat maps; without it Antarctica's coast is a closed curve.
                if np.ptp(points[:, 1]):
                    rings.append(points)
    return rings


if __name__ == "__main__":
    main()
