"""An MLP after a picture encoder, such as GeoCLIP's: its arrays, and how they lie on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode.weights import load_arrays
from periplus.errors import CannotRunError
from periplus.store import fingerprint

Floats = NDArray[np.float32]
PREFIX = "image_encoder.mlp."
"""Of the head's arrays among the others of a whole GeoCLIP."""


@dataclass(frozen=True)
class Head:
    """Linear layers with a ReLU between two of them.

    Attributes:
        layers: weight float32 (out, in) and bias (out,) of each.

    Raises:
        CannotRunError: there is no layer, the layers do not fit each other, or a number is not finite.
    """

    layers: tuple[tuple[Floats, Floats], ...]

    def __post_init__(self) -> None:
        """Check shapes and numbers."""
        width = self.layers[0][0].shape[-1] if self.layers else 0
        for weight, bias in self.layers:
            if weight.ndim != 2 or weight.shape[1] != width or bias.shape != weight.shape[:1] or not weight.size:
                raise CannotRunError(f"A layer {weight.shape} with a bias {bias.shape} does not fit {width} numbers.")
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise CannotRunError("A layer has numbers that are not finite: the weights are damaged.")
            width = len(weight)
        if not self.layers:
            raise CannotRunError("There is no layer.")

    @property
    def width(self) -> int:
        """Numbers of the vectors that go in."""
        return int(self.layers[0][0].shape[1])

    @property
    def dim(self) -> int:
        """Numbers of the vectors that come out."""
        return len(self.layers[-1][0])

    @property
    def fingerprint(self) -> str:
        """Of the numbers."""
        return fingerprint("head", *(array for layer in self.layers for array in layer))

    def arrays(self) -> dict[str, Floats]:
        """The arrays as torch's ``nn.Sequential`` names them: ReLUs count, so layers have even numbers."""
        kinds = ("weight", "bias")
        return {f"{2 * i}.{kind}": a for i, pair in enumerate(self.layers) for kind, a in zip(kinds, pair, strict=True)}


def head_from(arrays: Mapping[str, NDArray[np.floating]]) -> Head:
    """A head from :meth:`Head.arrays`, float16 ones too.

    Raises:
        CannotRunError: the names are not those of linear layers with ReLUs between them, or the layers do not fit.
    """
    names = {f"{2 * i}.{kind}" for i in range(len(arrays) // 2) for kind in ("weight", "bias")}
    if set(arrays) != names or not names:
        raise CannotRunError(f"A head has the arrays 0.weight, 0.bias, 2.weight, ..., not {', '.join(sorted(arrays))}.")
    pairs = [(arrays[f"{2 * i}.weight"], arrays[f"{2 * i}.bias"]) for i in range(len(names) // 2)]
    return Head(tuple((np.asarray(w, np.float32), np.asarray(b, np.float32)) for w, b in pairs))


def load_head(path: Path) -> Head:
    """The head in a ``.safetensors``, alone or in a whole GeoCLIP, or in a ``.pth`` of plain tensors.

    Raises:
        CannotRunError: the file is missing, damaged, or holds something else.
        MissingExtraError: what reads it is not installed.
    """
    arrays = load_arrays(path)
    if any(name.startswith(PREFIX) for name in arrays):
        arrays = {name.removeprefix(PREFIX): a for name, a in arrays.items() if name.startswith(PREFIX)}
    try:
        return head_from(arrays)
    except CannotRunError as error:
        raise CannotRunError(f"{path} holds no head: {error}") from error
