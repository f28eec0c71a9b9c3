"""From texts to the vectors of pictures that they describe: the other half of CLIP and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from periplus.encode.extras import require_packages
from periplus.encode.picture_encoder import ModelSpec


class TextEncoder(Protocol):
    """From texts to unit vectors, in the space of a picture encoder.

    Attributes:
        dim: length of the vectors.
        fingerprint: of architecture, weights and tokenizer.
        logit_scale: what cosines of pictures and texts are multiplied by before the softmax; at most 100.
    """

    @property
    def dim(self) -> int: ...  # noqa: D102 - told above

    @property
    def fingerprint(self) -> str: ...  # noqa: D102 - told above

    @property
    def logit_scale(self) -> float: ...  # noqa: D102 - told above

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 (n, dim); a text longer than the model reads is cut."""
        ...


def open_text_encoder(model: ModelSpec) -> TextEncoder:
    """The text half of the model whose picture half ``model`` asks for, in float32.

    Raises:
        UsageError: the model has no text half.
        CannotRunError: it is not on this machine and cannot be fetched, or is not whole.
        MissingExtraError: torch or transformers is not installed.
    """
    require_packages("A text encoder", "learn", "torch", "transformers", "safetensors")
    from periplus.encode.text_tower import TransformersTextEncoder

    return TransformersTextEncoder(model)
