"""Figures for papers and pages of spatial statistics; Matplotlib is imported when the first figure is drawn."""

from periplus.plots.spatial.about import About
from periplus.plots.spatial.canvas import save_figure
from periplus.plots.spatial.collapse_figure import collapse_figure
from periplus.plots.spatial.collapse_page import collapse_page
from periplus.plots.spatial.similarity_figure import similarity_figure
from periplus.plots.spatial.similarity_page import similarity_page
from periplus.plots.spatial.variogram_figure import variogram_figure
from periplus.plots.spatial.variogram_page import variogram_page

__all__ = [
    "About",
    "collapse_figure",
    "collapse_page",
    "save_figure",
    "similarity_figure",
    "similarity_page",
    "variogram_figure",
    "variogram_page",
]
