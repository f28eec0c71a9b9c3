"""From a photo to what is searched: vectors and words."""

from periplus.encode.encoder import ENCODERS, RESOURCES, Encoded, Encoder, EncoderConfig, encoder_from, learn_encoder
from periplus.encode.words import Codebook, pack_words, unpack_words

__all__ = [
    "ENCODERS",
    "RESOURCES",
    "Codebook",
    "Encoded",
    "Encoder",
    "EncoderConfig",
    "encoder_from",
    "learn_encoder",
    "pack_words",
    "unpack_words",
]
