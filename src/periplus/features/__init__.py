"""Local features of a picture and their compact store."""

from periplus.features.packing import Packing, learn_packing, unpack
from periplus.features.sift import DESCRIPTOR_DIM, SiftConfig, extract_sift, root_sift

__all__ = ["DESCRIPTOR_DIM", "Packing", "SiftConfig", "extract_sift", "learn_packing", "root_sift", "unpack"]
