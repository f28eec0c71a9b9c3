"""The sphere: distances, unit vectors, projections, cells, neighbours, places."""

from periplus.geo.cells import cell_centre, cell_of
from periplus.geo.distance import EARTH_RADIUS_KM, bearing_deg, destination, distance_km, wrap_lon_deg
from periplus.geo.grid import grid_positions
from periplus.geo.land_mask import on_land
from periplus.geo.neighbours import Neighbours
from periplus.geo.projection import (
    EQUAL_EARTH_HEIGHT,
    EQUAL_EARTH_WIDTH,
    equal_earth,
    equal_earth_inverse,
    from_local_km,
    local_km,
)
from periplus.geo.regions import PlaceName, describe, places_of
from periplus.geo.unit import chord_from_km, from_unit, km_from_chord, mean_position, to_unit
from periplus.geo.voronoi import cell_areas_km2, merge_duplicates, same_positions

__all__ = [
    "EARTH_RADIUS_KM",
    "EQUAL_EARTH_HEIGHT",
    "EQUAL_EARTH_WIDTH",
    "Neighbours",
    "PlaceName",
    "bearing_deg",
    "cell_areas_km2",
    "cell_centre",
    "cell_of",
    "chord_from_km",
    "describe",
    "destination",
    "distance_km",
    "equal_earth",
    "equal_earth_inverse",
    "from_local_km",
    "from_unit",
    "grid_positions",
    "km_from_chord",
    "local_km",
    "mean_position",
    "merge_duplicates",
    "on_land",
    "places_of",
    "same_positions",
    "to_unit",
    "wrap_lon_deg",
]
