"""What travels between the stages: frozen, checked, without a stage's behaviour."""

from periplus.records.catalog import SCHEMA, Catalog, column_of
from periplus.records.embeddings import Embeddings, require_same_fingerprint
from periplus.records.features import LocalFeatures
from periplus.records.fix import Area, Density, Evidence, Fix, Place, RecordedPosition
from periplus.records.match import Match
from periplus.records.ranking import Ranking
from periplus.records.report import Interval, Report
from periplus.records.skip import Skip
from periplus.records.words import Words

__all__ = [
    "SCHEMA",
    "Area",
    "Catalog",
    "Density",
    "Embeddings",
    "Evidence",
    "Fix",
    "Interval",
    "LocalFeatures",
    "Match",
    "Place",
    "Ranking",
    "RecordedPosition",
    "Report",
    "Skip",
    "Words",
    "column_of",
    "require_same_fingerprint",
]
