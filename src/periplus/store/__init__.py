"""Arrays and tables on disk: atomic, fingerprinted."""
