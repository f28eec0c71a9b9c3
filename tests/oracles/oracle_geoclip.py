"""GeoCLIP's own package, run in a process of its own.

It asks for pandas and torchvision, which are not here: pandas is given a stand-in that reads one CSV, so everything
that is computed is the package's code.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answers = Mapping[str, NDArray[Any]]


def run_geoclip(
    folder: Path,
    *,
    positions: NDArray[np.float64],
    pictures: Sequence[Path] = (),
    clip: Path | None = None,
    gallery: NDArray[np.float32] | None = None,
    double: bool = False,
) -> Answers:
    """What the package gives, under one thread.

    Args:
        folder: for the files that go to and fro.
        positions: float64 (n, 2), latitude and longitude; ``location`` is what its location encoder makes of them
            (n, 512), not normalised.
        pictures: files; of picture i, ``probabilities_i`` (g,) are what ``predict`` gives for all rows, best first, and
            ``positions_i`` (g, 2) the rows.
        clip: the folder of the CLIP that sees them.
        gallery: float32 (g, 2); None for the package's 100,000.
        double: whether ``double`` is wanted: ``location`` in double precision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"positions": positions, **({} if gallery is None else {"gallery": gallery})}
    np.savez(folder / "in.npz", **arrays)  # type: ignore[arg-type]
    job = {"folder": str(folder), "pictures": [str(path) for path in pictures], "clip": str(clip), "double": double}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(Path(__file__)), str(folder / "job.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as answers:
        return {name: answers[name] for name in answers.files}


class _Frame:
    """The little of a data frame that the package uses: ``data[["LAT", "LON"]].values``."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows

    def __getitem__(self, names: list[str]) -> _Frame:
        return _Frame([{name: row[name] for name in names} for row in self.rows])

    @property
    def values(self) -> NDArray[np.float64]:
        return np.array([[float(value) for value in row.values()] for row in self.rows])


def _read_csv(path: str) -> _Frame:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return _Frame(list(csv.DictReader(file)))


def _main(job: Mapping[str, Any]) -> None:
    pandas = ModuleType("pandas")
    pandas.__spec__ = ModuleSpec("pandas", None)
    pandas.read_csv = _read_csv  # type: ignore[attr-defined]
    sys.modules["pandas"] = pandas
    # Its training half imports geopy and tqdm for nothing that is asked here.
    import importlib.util

    import torch

    spec = importlib.util.find_spec("geoclip")
    assert spec is not None
    package = ModuleType("geoclip")
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["geoclip"] = package
    from geoclip.model import GeoCLIP, LocationEncoder

    torch.set_num_threads(1)
    answers: dict[str, NDArray[Any]] = {}
    with np.load(Path(job["folder"]) / "in.npz") as told, torch.no_grad():
        positions = torch.from_numpy(told["positions"])
        answers["location"] = LocationEncoder().eval()(positions.float()).numpy()
        if job["double"]:
            answers["double"] = LocationEncoder().eval().double()(positions).numpy()
        if job["pictures"]:
            model = GeoCLIP(clip_path=job["clip"]).eval()
            answers["gallery"] = model.gps_gallery.numpy()
            if "gallery" in told:
                model.gps_gallery = torch.from_numpy(told["gallery"])
            for i, picture in enumerate(job["pictures"]):
                best, probabilities = model.predict(picture, len(model.gps_gallery))
                answers[f"positions_{i}"], answers[f"probabilities_{i}"] = best.numpy(), probabilities.numpy()
    np.savez(Path(job["folder"]) / "out.npz", **answers)  # type: ignore[arg-type]


if __name__ == "__main__":
    _main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
