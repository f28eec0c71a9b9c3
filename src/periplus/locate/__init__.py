"""From verified photos to a position."""
