"""Any vision model of transformers as an encoder, run by torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from periplus.encode.head import load_head
from periplus.encode.known import find_model
from periplus.encode.models import Embedder, load_embedder, quantise_linear, torch_device, weight_files
from periplus.encode.picture_encoder import ModelSpec, encode_in_batches, finished, patch_rows, spec_of
from periplus.encode.preprocess import Preprocess
from periplus.encode.whitening import load_whitening
from periplus.errors import UsageError
from periplus.store import content_hash, fingerprint, read_json

# What a config says of its file and not of the model.
_WITHOUT_EFFECT = {"transformers_version", "_name_or_path", "architectures", "torch_dtype", "dtype"}


class TransformersEncoder:
    """A vision model with its own preprocessing, a pooling, a head, scales and whitening.

    Args:
        model: which model and how; see :class:`ModelSpec`.

    Raises:
        CannotRunError: the model is not here and cannot be fetched, is not whole, or the device is missing.
        UsageError: the model cannot be used that way.
    """

    def __init__(self, model: ModelSpec) -> None:
        self.model = model
        folder = find_model(model.name, model.revision)
        self.embedder, own, _ = load_embedder(folder, model.pooling, model.gem_p)
        self.preprocess = own if model.image_size_px is None else own.with_size(model.image_size_px)
        _require_step(self.preprocess, self.embedder)
        self.head = None if model.head is None else load_head(Path(model.head))
        if self.head:
            self.embedder.attach(self.head)
        self.whitening = None if model.whitening is None else load_whitening(Path(model.whitening))
        if self.whitening and len(self.whitening.mean) != self.embedder.dim:
            raise UsageError(
                f"The whitening {model.whitening} is for vectors of {len(self.whitening.mean)} numbers, "
                f"but {model.name} gives {self.embedder.dim}. Learn one from this encoder's vectors."
            )
        self.fingerprint = self._fingerprint(folder)
        if model.precision == "int8":
            _quantise(self.embedder, model)
        self.multiscale = MultiScale(self.embedder, model.scales, flip=model.flip)
        # Convolutions are half as fast again in this order of memory.
        self.multiscale.to(device=torch_device(model.device), memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.multiscale.train(False)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.whitening.dim if self.whitening else self.embedder.dim

    def spec(self) -> dict[str, object]:
        """JSON from which ``load_picture_encoder`` makes the same encoder."""
        return spec_of(self.model, self.fingerprint, self.dim)

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Unit rows float32 (n, dim) of pictures uint8 (h, w, 3), RGB and upright.

        Raises:
            UsageError: a picture is something else.
            CannotRunError: the model gave numbers that are not finite.
        """
        return encode_in_batches(pictures, self.preprocess, self.vectors, self.dim, self.whitening)

    def look(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One picture's unit vector (dim,) and patches (m, c), those at scale 1, for the price of one."""
        pixels = self._pixels(self.preprocess.apply(picture)[None])
        with torch.inference_mode(), self._precision():
            vectors, features = self.multiscale(pixels)
        vector = finished(vectors.cpu().numpy(), self.whitening)[0]
        return vector, patch_rows(features[0].float().cpu().numpy())

    def vectors(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors (n, d) of preprocessed pixels (n, 3, h, w), before any whitening."""
        with torch.inference_mode(), self._precision():
            vectors: NDArray[np.float32] = self.multiscale(self._pixels(pixels))[0].cpu().numpy()
        return vectors

    def _pixels(self, pixels: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(pixels).to(self.model.device).contiguous(memory_format=torch.channels_last)

    def _precision(self) -> torch.autocast:
        low = self.model.precision == "bfloat16"
        return torch.autocast(torch.device(self.model.device).type, torch.bfloat16, enabled=low)

    def _fingerprint(self, folder: Path) -> str:
        files = (*weight_files(folder), *(path for path in (folder / "head.safetensors",) if path.exists()))
        config = {key: value for key, value in read_json(folder / "config.json").items() if key not in _WITHOUT_EFFECT}
        value = {
            "weights": [content_hash(path) for path in files],
            "config": config,
            "pooling": self.embedder.pooling,
            "gem_p": self.embedder.gem_p if self.embedder.pooling == "gem" else None,
            "scales": list(self.model.scales),
            "flip": self.model.flip,
            "preprocess": self.preprocess.spec(),
            "whitening": self.whitening.fingerprint if self.whitening else None,
            "precision": self.model.precision,
            # No key without a head: fingerprints from before there were any stay what they are.
            **({"head": self.head.fingerprint} if self.head else {}),
        }
        return f"{self.embedder.backbone.config.model_type}-{fingerprint(value)}"


class MultiScale(nn.Module):
    """Unit vectors averaged over scales and the mirror image, and the feature map at scale 1.

    One scale: v / |v|. Several: the power mean over the unit vectors of the scales, with GeM's own power where the
    vector is GeM's and nothing follows it, else the plain mean; then to unit length. The mirror image's vectors are
    added to those of each scale.

    Reference: Radenovic, Tolias and Chum, TPAMI 2018, section 5.2, and their code.
    """

    def __init__(self, embedder: Embedder, scales: Sequence[float], *, flip: bool = False) -> None:
        super().__init__()
        self.flip = flip
        self.embedder = embedder
        self.scales = tuple(scales)
        self.power = embedder.gem_p if embedder.pooling == "gem" and embedder.is_bare else 1.0

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors (n, dim) and feature maps (n, c, h, w) of pixels (n, 3, h, w)."""
        vector, features = self.embedder.both(pixels)
        if self.scales == (1.0,) and not self.flip:
            return normalize(vector), features
        seen = [vector if scale == 1 else self.embedder(self._resized(pixels, scale)) for scale in self.scales]
        if self.flip:
            seen += [self.embedder(self._resized(pixels.flip(3), scale)) for scale in self.scales]
        powers = torch.stack([normalize(part).pow(self.power) for part in seen])
        return normalize(powers.mean(dim=0).pow(1 / self.power)), features

    def _resized(self, pixels: Tensor, scale: float) -> Tensor:
        step = self.embedder.step_px
        size = [max(1, round(side * scale / step)) * step for side in pixels.shape[-2:]]
        return interpolate(pixels, size=size, mode="bilinear", align_corners=False)


def _quantise(embedder: Embedder, model: ModelSpec) -> None:
    if torch.device(model.device).type != "cpu":
        raise UsageError(f"int8 is for the CPU. Take bfloat16 on {model.device}.")
    if not quantise_linear(embedder.backbone):
        raise UsageError(f"int8 is of linear layers, and {model.name} has none: it would be no faster. Take float32.")


def _require_step(preprocess: Preprocess, embedder: Embedder) -> None:
    sides, step = preprocess.output_px, embedder.step_px
    if step > 1 and (sides is None or any(side % step for side in sides)):
        raise UsageError(
            f"This model cuts pictures into patches of {step} px, but its preprocessing gives "
            f"{sides or 'every picture a size of its own'}. Set image_size_px to a multiple of {step}."
        )
