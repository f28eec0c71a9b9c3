"""Empirical semivariograms: of all pairs, and of a sample of them."""
