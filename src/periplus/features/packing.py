"""The compact store of local features: 46 bytes a point instead of 528.

One photo is one run of bytes: an 8-byte head (version, dimension, number of points, width, height; little endian),
then x and y (uint16 each, fractions of the size), scale (uint8, logarithmic), angle (uint8), and the descriptors
(int8, principal components of RootSIFT). At 1,500 points and 40 components that is 67.4 KiB.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import GalleryError, UsageError
from periplus.records import LocalFeatures

VERSION = 1
_HEAD = struct.Struct("<BBHHH")
_GEOMETRY_BYTES = 6
_STEP = 1 / 256
"""Quantisation step of a component; the 0.8 % of descriptors with one beyond int8's +-0.5 are clipped (0.63 seen)."""
_SCALE_STEPS_PER_OCTAVE = 16
_SMALLEST_SCALE = 0.5


@dataclass(frozen=True)
class Packing:
    """The principal components that descriptors are stored in.

    Attributes:
        mean: float32 (128,).
        basis: float32 (128, d), orthonormal columns, strongest first.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check shapes."""
        if self.basis.ndim != 2 or self.mean.shape != (self.basis.shape[0],) or self.basis.shape[1] > 255:
            raise UsageError(f"A packing of mean {self.mean.shape} and basis {self.basis.shape} does not fit.")

    def project(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Quantised components (n, d) of descriptors (n, 128): what unpacking the packed ones gives, to the bit."""
        return self._quantise(descriptors).astype(np.float32) * np.float32(_STEP)

    def components(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Principal components (n, d) of descriptors (n, 128), not quantised."""
        return np.asarray((descriptors - self.mean) @ self.basis, np.float32)

    def _quantise(self, descriptors: NDArray[np.float32]) -> NDArray[np.int8]:
        steps = np.rint(self.components(descriptors) / np.float32(_STEP))
        return np.asarray(np.clip(steps, -127, 127), np.int8)

    def pack(self, features: LocalFeatures) -> NDArray[np.uint8]:
        """The bytes of one photo's features, uint8 (8 + n * (6 + d),)."""
        n, (width, height) = len(features), features.size
        if n > 0xFFFF or max(width, height) > 0xFFFF:
            raise UsageError(f"{n} points in a picture of {width} x {height} px cannot be packed: 65535 is the limit.")
        size = np.array([max(width, 1), max(height, 1)], np.float32)
        xy = np.clip(np.rint(features.points / size * 0xFFFF), 0, 0xFFFF).astype("<u2")
        octaves = np.log2(np.maximum(features.scales, _SMALLEST_SCALE) / _SMALLEST_SCALE)
        scales = np.clip(np.rint(octaves * _SCALE_STEPS_PER_OCTAVE), 0, 255).astype(np.uint8)
        angles = np.rint(features.angles * (256 / 360)).astype(np.int64).astype(np.uint8)
        head = np.frombuffer(_HEAD.pack(VERSION, self.basis.shape[1], n, width, height), np.uint8)
        body = self._quantise(features.descriptors).view(np.uint8).reshape(-1)
        return np.concatenate([head, xy.view(np.uint8).reshape(-1), scales, angles, body])


def unpack(blob: NDArray[np.uint8]) -> LocalFeatures:
    """Read the bytes of one photo's features; descriptors are the components (n, d), not unit length.

    Raises:
        GalleryError: the bytes are not what :meth:`Packing.pack` writes.
    """
    if len(blob) < _HEAD.size:
        raise GalleryError(f"Stored features of {len(blob)} bytes are too short. Index the photos again.")
    version, dim, n, width, height = _HEAD.unpack(blob[: _HEAD.size].tobytes())
    expected = _HEAD.size + n * (_GEOMETRY_BYTES + dim)
    if version != VERSION or len(blob) != expected:
        raise GalleryError(
            f"Stored features of version {version} with {len(blob)} bytes, not version {VERSION} with {expected}. "
            "Index the photos again."
        )
    at = _HEAD.size
    xy = blob[at : at + 4 * n].copy().view("<u2").reshape(n, 2)
    scales = blob[at + 4 * n : at + 5 * n]
    angles = blob[at + 5 * n : at + 6 * n]
    components = blob[at + 6 * n :].view(np.int8).reshape(n, dim)
    return LocalFeatures(
        points=xy.astype(np.float32) * (np.array([width, height], np.float32) / np.float32(0xFFFF)),
        scales=np.exp2(scales.astype(np.float32) / _SCALE_STEPS_PER_OCTAVE).astype(np.float32)
        * np.float32(_SMALLEST_SCALE),
        angles=angles.astype(np.float32) * np.float32(360 / 256),
        descriptors=components.astype(np.float32) * np.float32(_STEP),
        size=(width, height),
    )


def learn_packing(descriptors: NDArray[np.float32], dim: int) -> Packing:
    """Learn the principal components of a sample of descriptors (n, 128).

    With fewer than two descriptors there is nothing to learn: the first axes are kept as they are.

    Raises:
        UsageError: more components than dimensions are asked for.
    """
    width = descriptors.shape[1]
    if not 1 <= dim <= width:
        raise UsageError(f"{dim} components of {width} dimensions cannot be kept.")
    if len(descriptors) < 2:
        return Packing(np.zeros(width, np.float32), np.eye(width, dim, dtype=np.float32))
    mean = descriptors.mean(axis=0)
    centred = descriptors - mean
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    basis = axes[:, ::-1][:, :dim]
    # An eigenvector's sign is arbitrary; fixing it makes the packing repeatable across BLAS builds.
    flip = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(dim)])
    return Packing(mean.astype(np.float32), (basis * flip).astype(np.float32))
