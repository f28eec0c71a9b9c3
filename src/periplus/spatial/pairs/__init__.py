"""The one pass over all pairs of places: lags, compact blocks, tiles, checkpoints."""
