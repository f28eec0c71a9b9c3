"""From a ranking to a better one, by geometry."""
