"""Pictures and pages that show the evidence."""

from periplus.plots.lines import draw_match
from periplus.plots.map import local_map, region_map, world_map
from periplus.plots.report import ReportEntry, write_report

__all__ = ["ReportEntry", "draw_match", "local_map", "region_map", "world_map", "write_report"]
