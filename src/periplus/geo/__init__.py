"""The sphere: distances, unit vectors, projections, cells, neighbours, places."""
