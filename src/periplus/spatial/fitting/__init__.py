"""Theoretical semivariograms and their fits."""
