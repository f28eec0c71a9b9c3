"""One directory on disk: catalog, vectors, words, local features."""
