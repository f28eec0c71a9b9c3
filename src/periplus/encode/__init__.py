"""From a photo to what is searched: vectors and words; and from positions and texts to vectors that photos meet."""

from periplus.encode.device import device_here
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
from periplus.encode.geo_model import GEO_MODELS, GeoModel, convert_geoclip, open_geo_model
from periplus.encode.known import KNOWN, Known, here
from periplus.encode.location import LocationEncoder
from periplus.encode.location_config import LOCATION_KINDS, LocationConfig
from periplus.encode.picture_encoder import (
    ModelSpec,
    PictureEncoder,
    load_picture_encoder,
    model_spec_from,
    open_picture_encoder,
)
from periplus.encode.preprocess import Preprocess, crop_to_box
from periplus.encode.texts import TextEncoder, open_text_encoder
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
    "GEO_MODELS",
    "KNOWN",
    "LOCATION_KINDS",
    "RESOURCES",
    "Codebook",
    "Encoded",
    "Encoder",
    "EncoderConfig",
    "GeoModel",
    "Known",
    "LocationConfig",
    "LocationEncoder",
    "ModelSpec",
    "PictureEncoder",
    "Preprocess",
    "TextEncoder",
    "Whitening",
    "convert_geoclip",
    "crop_to_box",
    "device_here",
    "encoder_from",
    "here",
    "k_means",
    "learn_encoder",
    "learn_pair_whitening",
    "learn_pca_whitening",
    "load_picture_encoder",
    "load_whitening",
    "model_spec_from",
    "open_geo_model",
    "open_picture_encoder",
    "open_text_encoder",
    "pack_words",
    "save_whitening",
    "unpack_words",
]
