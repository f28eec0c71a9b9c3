"""World-wide galleries: photos, positions or texts in one space with the queries' pictures."""

from periplus.pipeline.excluding import Exclusion
from periplus.pipeline.world.areas import keep_areas
from periplus.pipeline.world.calibrating import CalibrateConfig, calibrate_world_gallery
from periplus.pipeline.world.choosing import choose_spec, is_geo_model, world_gallery_at
from periplus.pipeline.world.indexing import WorldIndexConfig, index_world
from periplus.pipeline.world.locating import WorldConfig, believe, locate_vector, query_vectors, read_picture
from periplus.pipeline.world.opened import OpenedWorld, open_world
from periplus.pipeline.world.spec import WORLD, WorldSpec

__all__ = [
    "WORLD",
    "CalibrateConfig",
    "Exclusion",
    "OpenedWorld",
    "WorldConfig",
    "WorldIndexConfig",
    "WorldSpec",
    "believe",
    "calibrate_world_gallery",
    "choose_spec",
    "index_world",
    "is_geo_model",
    "keep_areas",
    "locate_vector",
    "open_world",
    "query_vectors",
    "read_picture",
    "world_gallery_at",
]
