"""The text half of CLIP or SigLIP, run by torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from transformers import AutoTokenizer, PretrainedConfig

from periplus.encode.geo_files import LARGEST_LOGIT_SCALE
from periplus.encode.head import load_head
from periplus.encode.known import TEXT_FILES, find_model
from periplus.encode.models import load_strictly, quiet, torch_device, weight_files, whole_config
from periplus.encode.models.embedder import head_module
from periplus.encode.picture_encoder import ModelSpec, require_finite
from periplus.encode.whitening import unit_rows
from periplus.errors import CannotRunError, UsageError
from periplus.store import content_hash, fingerprint

_BATCH = 64


@dataclass(frozen=True)
class _Family:
    """How the text halves of one ``model_type`` are loaded and read.

    Attributes:
        tower: name of the class in transformers.
        vector: the output that holds the vectors.
        padding: as the model was trained: to the longest of a batch, or always to the full length.
    """

    tower: str
    vector: str
    padding: str


_FAMILIES = {
    "clip": _Family("CLIPTextModelWithProjection", "text_embeds", "longest"),
    "siglip": _Family("SiglipTextModel", "pooler_output", "max_length"),
}


class TransformersTextEncoder:
    """A text tower with its own tokenizer; a head of the picture tower is put on it, too.

    Args:
        model: the name, revision, head and device count; the rest is of pictures.

    Raises:
        UsageError: the model has no text half, or the head does not fit.
        CannotRunError: the model is not here, not whole, or without a tokenizer.
    """

    def __init__(self, model: ModelSpec) -> None:
        folder = find_model(model.name, model.revision, text=True)
        config = whole_config(folder)
        if config.model_type not in _FAMILIES:
            raise UsageError(f"{model.name}, a {config.model_type}, reads no texts. Take a {' or '.join(_FAMILIES)}.")
        self.family, text = _FAMILIES[config.model_type], _text_config(config)
        tower = load_strictly(folder, getattr(transformers, self.family.tower), text)
        self.device = torch_device(model.device)
        self.tower = tower.to(self.device)  # type: ignore[arg-type]
        self.tokenizer = _tokenizer(folder, int(text.vocab_size))
        self.longest = int(text.max_position_embeddings)
        head = None if model.head is None else load_head(Path(model.head))
        width = int(text.projection_dim if config.model_type == "clip" else text.projection_size)
        if head is not None and head.width != width:
            raise UsageError(f"The head is for vectors of {head.width} numbers, but texts have {width}.")
        self.head = None if head is None else head_module(head).to(self.device)
        self.dim = width if head is None else head.dim
        self.logit_scale = _logit_scale(folder)
        value = {
            "weights": [content_hash(path) for path in weight_files(folder)],
            "tokenizer": [content_hash(folder / name) for name in TEXT_FILES if (folder / name).is_file()],
            "longest": self.longest,
            "head": None if head is None else head.fingerprint,
        }
        self.fingerprint = f"{config.model_type}-texts-{fingerprint(value)}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 (n, dim), in batches.

        Raises:
            CannotRunError: the model gave numbers that are not finite.
        """
        rows = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), _BATCH):
            rows[start : start + _BATCH] = unit_rows(self._vectors(list(texts[start : start + _BATCH])))
        require_finite(rows)
        return rows

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        tokens = self.tokenizer(
            texts, padding=self.family.padding, truncation=True, max_length=self.longest, return_tensors="pt"
        )
        # SigLIP was trained to look at its padding, and its tokenizer makes no mask.
        known = {name: tokens[name].to(self.device) for name in ("input_ids", "attention_mask") if name in tokens}
        with torch.inference_mode():
            vectors = getattr(self.tower(**known), self.family.vector).float()
            if self.head is not None:
                vectors = self.head(vectors)
        whole: NDArray[np.float32] = vectors.cpu().numpy()
        return whole


def _text_config(config: PretrainedConfig) -> PretrainedConfig:
    text: PretrainedConfig = config.text_config
    if config.model_type == "clip":
        # The text half of a CLIP config keeps a default here; the whole knows the true width.
        text.projection_dim = config.projection_dim
    return text


def _tokenizer(folder: Path, most_tokens: int) -> Any:
    # Transformers would make up an empty tokenizer where there is none.
    whole = (folder / "tokenizer.json").is_file() or all((folder / n).is_file() for n in ("vocab.json", "merges.txt"))
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
            raise CannotRunError(f"The tokenizer in {folder} cannot be read: {error}. Fetch it again.") from error
    if not whole or len(tokenizer) > most_tokens:
        raise CannotRunError(
            f"{folder} has no tokenizer that fits its model: fetch it again, with {', '.join(TEXT_FILES)}."
        )
    return tokenizer


def _logit_scale(folder: Path) -> float:
    for path in weight_files(folder):
        try:
            with safe_open(path, framework="pt") as file:
                if "logit_scale" in file.keys():  # noqa: SIM118 - the file is no mapping
                    scale = math.exp(float(file.get_tensor("logit_scale").float()))
                    return min(scale, LARGEST_LOGIT_SCALE)
        except (OSError, SafetensorError, RuntimeError, OverflowError) as error:
            raise CannotRunError(f"{path} cannot be read: {error}. Fetch the model again, whole.") from error
    raise CannotRunError(f"{folder} has no logit scale: it is half of a model. Fetch it again, whole.")
