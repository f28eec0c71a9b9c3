"""Where photographs come from: one file a source."""

from periplus.sources.folder import is_valid_name, read_folder
from periplus.sources.opening import SOURCES, open_source
from periplus.sources.scan import Scan
from periplus.sources.table import read_table

__all__ = ["SOURCES", "Scan", "is_valid_name", "open_source", "read_folder", "read_table"]
