"""Where photographs come from: one file a source."""

from periplus.sources.classes import read_classes
from periplus.sources.datasets import DATA_SETS, DataSet, RemoteFile
from periplus.sources.fetch import Net
from periplus.sources.fetching import Fetched, fetch_files, pending
from periplus.sources.folder import is_valid_name, read_folder
from periplus.sources.gldv2 import gldv2_recognition, gldv2_relevance, read_gldv2
from periplus.sources.groundtruth import BOX_COLUMNS
from periplus.sources.opening import SOURCES, open_source
from periplus.sources.oxford import oxford_truth, read_oxford
from periplus.sources.places import PROMPTS, read_places
from periplus.sources.points import read_grid, read_points
from periplus.sources.revisited import read_distractors, read_revisited, revisited_truth
from periplus.sources.scan import Scan
from periplus.sources.table import read_table
from periplus.sources.truth import Truth

__all__ = [
    "BOX_COLUMNS",
    "DATA_SETS",
    "PROMPTS",
    "SOURCES",
    "DataSet",
    "Fetched",
    "Net",
    "RemoteFile",
    "Scan",
    "Truth",
    "fetch_files",
    "gldv2_recognition",
    "gldv2_relevance",
    "is_valid_name",
    "open_source",
    "oxford_truth",
    "pending",
    "read_classes",
    "read_distractors",
    "read_folder",
    "read_gldv2",
    "read_grid",
    "read_oxford",
    "read_places",
    "read_points",
    "read_revisited",
    "read_table",
    "revisited_truth",
]
