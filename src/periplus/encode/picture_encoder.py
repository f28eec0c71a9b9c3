"""What every deep encoder does, and how one is asked for and found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from periplus.encode.described import described
from periplus.encode.extras import require_packages
from periplus.encode.known import KNOWN
from periplus.encode.preprocess import Preprocess
from periplus.encode.whitening import Whitening, unit_rows
from periplus.errors import CannotRunError, FingerprintError, UsageError

PRECISIONS = ("float32", "bfloat16", "int8")

_BATCH = 16
_SPEC_KEYS = {"kind", "model", "fingerprint", "dim"}


class PictureEncoder(Protocol):
    """From pictures to unit vectors.

    Attributes:
        dim: length of the vectors.
        fingerprint: of architecture, weights, preprocessing and everything else that moves the vectors.
        preprocess: what happens to a picture first.
    """

    @property
    def dim(self) -> int: ...  # noqa: D102 - told above

    @property
    def fingerprint(self) -> str: ...  # noqa: D102 - told above

    @property
    def preprocess(self) -> Preprocess: ...  # noqa: D102 - told above

    def spec(self) -> dict[str, object]:
        """JSON from which :func:`load_picture_encoder` makes the same encoder."""
        ...

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Unit rows float32 (n, dim) of pictures uint8 (h, w, 3), RGB and upright."""
        ...

    def look(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One picture's unit vector (dim,) and patches for the price of one.

        Patches are unit rows float32 (m, c): the cells of the last feature map, or the tokens, not whitened.
        """
        ...


@dataclass(frozen=True)
class ModelSpec:
    """Which encoder, and how it is used.

    Attributes:
        name: a known model's name, a name on the hub, or a local folder in the hub's layout; an exported folder
            for the engine ``onnx``.
        revision: of the hub's model; None for the newest, or the one that is on this machine.
        pooling: ``auto`` for what the model was made for, or ``mean``, ``gem``, ``cls``, ``head``.
        gem_p: the power of GeM; None for the checkpoint's own, or 3.
        scales: at which sizes a picture is seen; the vectors of several are averaged.
        flip: whether a picture is seen mirrored, too; the vectors of both are averaged.
        whitening: file of a learnt whitening, or None.
        image_size_px: side of the pictures that the model sees; None for its own.
        device: as torch names it.
        precision: ``float32``, ``bfloat16``, or ``int8`` for the linear layers of a model on the CPU.
        engine: ``torch``, or ``onnx`` for ONNX Runtime.
        head: file of an MLP, Linear-ReLU-...-Linear, that the vector goes through before it is made one of unit length,
            as GeoCLIP's; or None.

    Raises:
        UsageError: a value is impossible.
    """

    name: str
    revision: str | None = None
    pooling: str = "auto"
    gem_p: float | None = None
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    whitening: str | None = None
    image_size_px: int | None = None
    device: str = "cpu"
    precision: str = "float32"
    engine: str = "torch"
    head: str | None = None

    def __post_init__(self) -> None:
        """Check values."""
        texts = {"name": self.name, "pooling": self.pooling, "device": self.device, "engine": self.engine}
        files = {"revision": self.revision, "whitening": self.whitening, "head": self.head}
        for key, value in {**texts, **{key: value for key, value in files.items() if value is not None}}.items():
            if not isinstance(value, str) or "\0" in value:
                raise UsageError(f"{key} of a model is text, not {value!r}.")
        if type(self.flip) is not bool or type(self.image_size_px) not in (int, type(None)):
            raise UsageError(
                f"flip is true or false and image_size_px a whole number; not {self.flip!r}, {self.image_size_px!r}."
            )
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision is {', '.join(PRECISIONS)}, not {self.precision!r}.")
        if self.engine not in ("torch", "onnx"):
            raise UsageError(f"engine is torch or onnx, not {self.engine!r}.")
        if not self.scales or not all(0.05 <= scale <= 8 for scale in self.scales):
            raise UsageError(f"Scales are numbers from 0.05 to 8, at least one, not {self.scales}.")
        if self.gem_p is not None and not 0 < self.gem_p <= 1000:
            raise UsageError(f"GeM's power is more than 0 and at most 1000, not {self.gem_p}.")


def open_picture_encoder(spec: ModelSpec) -> PictureEncoder:
    """The encoder that ``spec`` asks for, ready to use.

    Raises:
        CannotRunError: the model is not on this machine and cannot be fetched, or is not whole.
        MissingExtraError: the engine is not installed.
        UsageError: the model cannot be used that way.
    """
    if spec.engine == "onnx":
        from periplus.encode.onnx import OnnxEncoder

        return OnnxEncoder(spec)
    require_packages("A deep encoder", "learn", "torch", "transformers", "safetensors")
    from periplus.encode.transformers import TransformersEncoder

    return TransformersEncoder(spec)


def load_picture_encoder(
    spec: Mapping[str, object], *, device: str = "cpu", folder: Path | None = None
) -> PictureEncoder:
    """The encoder whose ``spec()`` was kept, such as a gallery's.

    Args:
        spec: what ``spec()`` gave.
        device: as torch names it.
        folder: where the model lies now; None for where it lay.

    Raises:
        FingerprintError: the model that is found by that name is not the one that was used.
        CannotRunError, MissingExtraError, UsageError: as :func:`open_picture_encoder`.
    """
    model = spec.get("model")
    if set(spec) != _SPEC_KEYS or spec["kind"] != "picture" or not isinstance(model, Mapping):
        raise UsageError(f"This is no picture encoder's spec: it has {', '.join(map(str, spec))}.")
    encoder = open_picture_encoder(
        model_spec_from({**model, "device": device, **({"name": str(folder)} if folder else {})})
    )
    if encoder.fingerprint != spec["fingerprint"]:
        raise FingerprintError(
            f"{model.get('name')} is not the encoder that was used: it has the fingerprint {encoder.fingerprint}, "
            f"{spec['fingerprint']} is wanted. Bring the weights that were used back, or index the photos again."
        )
    return encoder


def spec_of(model: ModelSpec, fingerprint: str, dim: int) -> dict[str, object]:
    """What :meth:`PictureEncoder.spec` gives; the device is not part of it, and files are named from the root."""
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(model).items()}
    if model.name not in KNOWN and Path(model.name).is_dir():
        values["name"] = str(Path(model.name).resolve())
    for key in ("whitening", "head"):
        if values[key] is not None:
            values[key] = str(Path(str(values[key])).resolve())
    del values["device"]
    if model.head is None:
        del values["head"]  # As before there were heads: specs that galleries keep stay what they are.
    return {"kind": "picture", "model": values, "fingerprint": fingerprint, "dim": dim}


def model_spec_from(values: Mapping[str, object]) -> ModelSpec:
    """A :class:`ModelSpec` from JSON values.

    Raises:
        UsageError: a key is unknown, or a value impossible.
    """
    return described(ModelSpec, values, "model")


def encode_in_batches(
    pictures: Sequence[NDArray[np.uint8]],
    preprocess: Preprocess,
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    dim: int,
    whitening: Whitening | None,
) -> NDArray[np.float32]:
    """Unit rows (n, dim) of pictures, in batches of pictures whose pixels have one shape.

    Args:
        pictures: uint8 (h, w, 3) each.
        preprocess: from a picture to pixels.
        run: from pixels (b, 3, h, w) to vectors (b, d).
        dim: length of the rows.
        whitening: applied to the vectors, or None.

    Raises:
        CannotRunError: a vector is not finite.
    """
    rows = np.empty((len(pictures), dim), np.float32)
    for start in range(0, len(pictures), _BATCH):
        pixels = [preprocess.apply(picture) for picture in pictures[start : start + _BATCH]]
        for shape in sorted({part.shape for part in pixels}):
            members = [i for i, part in enumerate(pixels) if part.shape == shape]
            vectors = run(np.stack([pixels[i] for i in members]))
            rows[[start + i for i in members]] = finished(vectors, whitening)
    return rows


def finished(vectors: NDArray[np.float32], whitening: Whitening | None) -> NDArray[np.float32]:
    """Whitened, or only of unit length: float32 (n, d).

    Raises:
        CannotRunError: a vector is not finite.
    """
    rows = whitening.apply(vectors) if whitening else unit_rows(vectors)
    require_finite(rows)
    return rows


def patch_rows(feature_map: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit rows (m, c) of one picture's feature map (c, h, w)."""
    rows = unit_rows(feature_map.reshape(len(feature_map), -1).T)
    require_finite(rows)
    return rows


def require_finite(rows: NDArray[np.float32]) -> None:
    """Refuse vectors with NaN or infinity.

    Raises:
        CannotRunError: there is one.
    """
    if not np.isfinite(rows).all():
        raise CannotRunError(
            "The model gave numbers that are not finite: its weights are damaged, or float32 precision is needed."
        )
