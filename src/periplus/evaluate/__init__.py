"""From answers and truth to a report."""

from periplus.evaluate.bootstrap import bootstrap_interval, wilson_interval
from periplus.evaluate.facts import QueryFacts
from periplus.evaluate.fix_report import Clustered, FixReport, PlaceTruth
from periplus.evaluate.geolocation import STRANGERS, WITHOUT_POSITION, errors_km, evaluate_fixes, evaluate_strangers
from periplus.evaluate.measures import Measure
from periplus.evaluate.paired import paired_bootstrap
from periplus.evaluate.protocols import (
    PROTOCOLS,
    FixProtocol,
    fitting_protocol,
    parse_thresholds_km,
    protocol_named,
    threshold_text,
)
from periplus.evaluate.rank_protocols import RETRIEVAL_PROTOCOLS, RankProtocol, retrieval_protocol_named
from periplus.evaluate.ranks import PositiveRanks, positive_ranks, positive_ranks_by_counting, without_junk
from periplus.evaluate.recognition import evaluate_recognition, labels_of_neighbours
from periplus.evaluate.relevance import WITHOUT_POSITIVES, Relevance
from periplus.evaluate.report_json import report_to_json
from periplus.evaluate.report_lines import report_lines
from periplus.evaluate.retrieval import evaluate_ranking, evaluate_ranks, evaluate_splits
from periplus.evaluate.revisited import revisited_relevance
from periplus.evaluate.scores import Scores, geoscore, score_positions
from periplus.evaluate.strata import STRATA
from periplus.evaluate.table import QUERY_SCHEMA, query_table

__all__ = [
    "PROTOCOLS",
    "QUERY_SCHEMA",
    "RETRIEVAL_PROTOCOLS",
    "STRANGERS",
    "STRATA",
    "WITHOUT_POSITION",
    "WITHOUT_POSITIVES",
    "Clustered",
    "FixProtocol",
    "FixReport",
    "Measure",
    "PlaceTruth",
    "PositiveRanks",
    "QueryFacts",
    "RankProtocol",
    "Relevance",
    "Scores",
    "bootstrap_interval",
    "errors_km",
    "evaluate_fixes",
    "evaluate_ranking",
    "evaluate_ranks",
    "evaluate_recognition",
    "evaluate_splits",
    "evaluate_strangers",
    "fitting_protocol",
    "geoscore",
    "labels_of_neighbours",
    "paired_bootstrap",
    "parse_thresholds_km",
    "positive_ranks",
    "positive_ranks_by_counting",
    "protocol_named",
    "query_table",
    "report_lines",
    "report_to_json",
    "retrieval_protocol_named",
    "revisited_relevance",
    "score_positions",
    "threshold_text",
    "wilson_interval",
    "without_junk",
]
