"""Pictures and pages that show the evidence."""

from periplus.plots.lines import draw_match
from periplus.plots.map import local_map, region_map, world_map
from periplus.plots.regions import world_regions
from periplus.plots.report import ReportEntry, write_report
from periplus.plots.world import world_figure

__all__ = [
    "ReportEntry",
    "draw_match",
    "local_map",
    "region_map",
    "world_figure",
    "world_map",
    "world_regions",
    "write_report",
]
