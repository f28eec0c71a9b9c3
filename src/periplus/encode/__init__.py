"""From a photo to what is searched: vectors and words."""

from periplus.encode.encoder import (
    DEEP,
    ENCODERS,
    RESOURCES,
    Encoded,
    Encoder,
    EncoderConfig,
    encoder_from,
    k_means,
    learn_encoder,
)
from periplus.encode.known import KNOWN, Known, here
from periplus.encode.picture_encoder import (
    ModelSpec,
    PictureEncoder,
    load_picture_encoder,
    model_spec_from,
    open_picture_encoder,
)
from periplus.encode.preprocess import Preprocess, crop_to_box
from periplus.encode.whitening import (
    Whitening,
    learn_pair_whitening,
    learn_pca_whitening,
    load_whitening,
    save_whitening,
)
from periplus.encode.words import Codebook, pack_words, unpack_words

__all__ = [
    "DEEP",
    "ENCODERS",
    "KNOWN",
    "RESOURCES",
    "Codebook",
    "Encoded",
    "Encoder",
    "EncoderConfig",
    "Known",
    "ModelSpec",
    "PictureEncoder",
    "Preprocess",
    "Whitening",
    "crop_to_box",
    "encoder_from",
    "here",
    "k_means",
    "learn_encoder",
    "learn_pair_whitening",
    "learn_pca_whitening",
    "load_picture_encoder",
    "load_whitening",
    "model_spec_from",
    "open_picture_encoder",
    "pack_words",
    "save_whitening",
    "unpack_words",
]
