"""A deep encoder outside torch: exported once, then run by ONNX Runtime alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from periplus.encode.extras import require_packages
from periplus.encode.picture_encoder import ModelSpec, encode_in_batches, finished, patch_rows, spec_of
from periplus.encode.preprocess import Preprocess
from periplus.encode.whitening import Whitening, load_whitening, save_whitening, unit_rows
from periplus.errors import CannotRunError, GalleryError, UsageError
from periplus.store import content_hash, read_json, write_json_atomic

if TYPE_CHECKING:
    from periplus.encode.transformers import TransformersEncoder

MODEL_FILE, PREPROCESS_FILE, WHITENING_FILE, CARD_FILE = (
    "model.onnx",
    "preprocess.json",
    "whitening.npy",
    "periplus.json",
)
_FORMAT = 1
_KEYS = {"format", "kind", "dim", "fingerprint", "files", "source"}
_LARGEST_IN_ONE_FILE = 1_500_000_000
_LEAST_COSINE = 0.999


class OnnxEncoder:
    """An exported encoder; gives the vectors of the one that it was exported from, whose fingerprint it has.

    Args:
        model: its name is the folder; pooling, scales and the like were fixed by the export.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        CannotRunError: the folder holds no whole export.
        UsageError: an option is set that the export has fixed.
    """

    def __init__(self, model: ModelSpec) -> None:
        if model != ModelSpec(model.name, engine="onnx"):
            raise UsageError(f"How {model.name} encodes was fixed when it was exported. Export it again the other way.")
        self.model = model
        folder = Path(model.name)
        card, files = _read_card(folder)
        for name, digest in files.items():
            if not (folder / name).is_file() or content_hash(folder / name) != digest:
                raise CannotRunError(f"{folder / name} is missing or not what was exported. Export the model again.")
        self.fingerprint = str(card["fingerprint"])
        self.dim = int(str(card["dim"]))
        self.preprocess = Preprocess.from_spec(read_json(folder / PREPROCESS_FILE))
        self.whitening: Whitening | None = load_whitening(folder / WHITENING_FILE) if WHITENING_FILE in files else None
        self._session = open_session(folder / MODEL_FILE)

    def spec(self) -> dict[str, object]:
        """JSON from which ``load_picture_encoder`` makes the same encoder."""
        return spec_of(self.model, self.fingerprint, self.dim)

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Unit rows float32 (n, dim) of pictures uint8 (h, w, 3), RGB and upright."""
        return encode_in_batches(pictures, self.preprocess, self._vectors, self.dim, self.whitening)

    def look(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One picture's unit vector (dim,) and patches (m, c) for the price of one."""
        pixels = {"pixels": self.preprocess.apply(picture)[None]}
        vectors, features = self._session.run(["vectors", "features"], pixels)
        return finished(vectors, self.whitening)[0], patch_rows(features[0])

    def _vectors(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self._session.run(["vectors"], {"pixels": pixels})[0]
        return vectors


def open_session(path: Path, threads: int = 0) -> Any:
    """A session of ONNX Runtime on the CPU that shares the machine with torch; 0 threads are one a core.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        CannotRunError: the file is no model that it can run.
    """
    require_packages("Running an exported encoder", "onnx", "onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Spinning threads double the time of torch's own work in the same process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base but this.
        raise CannotRunError(f"{path} cannot be run: {error}. Export the model again.") from error


def export_onnx(encoder: TransformersEncoder, folder: Path) -> Path:
    """Write an encoder as ``model.onnx``, ``preprocess.json`` and ``periplus.json``, checked against its own vectors.

    The batch is free; the size of pictures is the encoder's.

    Returns:
        ``folder``, the name of a :class:`ModelSpec` for the engine ``onnx``.

    Raises:
        MissingExtraError: the exporter is not installed.
        UsageError: the encoder has no fixed picture size, or is not of float32.
        CannotRunError: the system refused to write, or the exported model gives other vectors.
    """
    require_packages("Exporting an encoder", "onnx", "onnx", "onnxscript", "onnxruntime")
    if encoder.preprocess.output_px is None or encoder.model.precision != "float32":
        raise UsageError(
            "Only an encoder of float32 whose pictures all come at one size can be exported. "
            "Set image_size_px, or precision."
        )
    from periplus.encode.models import replacing_folder

    with replacing_folder(folder) as fresh:
        _write_model(encoder, fresh / MODEL_FILE)
        write_json_atomic(fresh / PREPROCESS_FILE, encoder.preprocess.spec())
        if encoder.whitening:
            save_whitening(encoder.whitening, fresh / WHITENING_FILE)
        card = {
            "format": _FORMAT,
            "kind": "onnx",
            "dim": encoder.dim,
            "fingerprint": encoder.fingerprint,
            "files": {path.name: content_hash(path) for path in sorted(fresh.iterdir())},
            "source": encoder.spec(),
        }
        write_json_atomic(fresh / CARD_FILE, card)
        _check(encoder, OnnxEncoder(ModelSpec(str(fresh), engine="onnx")))
    return folder


def _write_model(encoder: TransformersEncoder, path: Path) -> None:
    import torch

    height, width = encoder.preprocess.output_px or (0, 0)
    # Two pictures: a batch of one would be taken for a constant.
    example = torch.zeros(2, 3, height, width, device=encoder.model.device)
    weights = sum(parameter.numel() * 4 for parameter in encoder.multiscale.parameters())
    with _silence(), torch.no_grad():
        try:
            program = torch.onnx.export(
                encoder.multiscale,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                input_names=["pixels"],
                output_names=["vectors", "features"],
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error).splitlines()[0]
            raise CannotRunError(f"{encoder.model.name} cannot be exported: {reason} Run it by torch.") from error
        program.save(path, external_data=weights > _LARGEST_IN_ONE_FILE)  # type: ignore[union-attr]


def _check(encoder: TransformersEncoder, exported: OnnxEncoder) -> None:
    """Refuse an export whose vectors are not the encoder's."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (64, 96, 3), np.uint8), np.full((96, 64, 3), 128, np.uint8)]
    cosines = (unit_rows(encoder.encode(pictures)) * exported.encode(pictures)).sum(axis=1)
    if cosines.min() < _LEAST_COSINE:
        raise CannotRunError(
            f"The exported model gives other vectors (cosine {cosines.min():.5f}). Run this model by torch instead."
        )


def _read_card(folder: Path) -> tuple[dict[str, object], dict[str, str]]:
    try:
        card = read_json(folder / CARD_FILE)
    except GalleryError as error:
        raise CannotRunError(f"{folder} is no exported encoder: its {CARD_FILE} cannot be read. Export one.") from error
    files = card.get("files")
    known = set(card) == _KEYS and card["format"] == _FORMAT and card["kind"] == "onnx"
    if not known or not isinstance(files, dict) or not {MODEL_FILE, PREPROCESS_FILE} <= set(files):
        raise CannotRunError(f"{folder / CARD_FILE} is no export that this Periplus reads. Export the model again.")
    return card, {str(name): str(digest) for name, digest in files.items()}


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's notices about its own insides from the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
