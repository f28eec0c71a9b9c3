"""Whole jobs, composed of the stages."""
