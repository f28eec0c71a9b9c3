"""Similarity against distance."""
