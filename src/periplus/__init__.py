"""Periplus tells where a photograph was taken, how sure it is, and shows the evidence."""

__version__ = "0.1.0"
