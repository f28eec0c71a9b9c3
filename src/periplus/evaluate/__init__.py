"""From answers and truth to a report."""

from periplus.evaluate.bootstrap import bootstrap_interval, wilson_interval
from periplus.evaluate.geolocation import STRANGERS, WITHOUT_POSITION, errors_km, evaluate_fixes, evaluate_strangers
from periplus.evaluate.protocols import PROTOCOLS, FixProtocol, parse_thresholds_km, protocol_named, threshold_text
from periplus.evaluate.report_json import report_to_json
from periplus.evaluate.table import QUERY_SCHEMA, query_table, report_lines

__all__ = [
    "PROTOCOLS",
    "QUERY_SCHEMA",
    "STRANGERS",
    "WITHOUT_POSITION",
    "FixProtocol",
    "bootstrap_interval",
    "errors_km",
    "evaluate_fixes",
    "evaluate_strangers",
    "parse_thresholds_km",
    "protocol_named",
    "query_table",
    "report_lines",
    "report_to_json",
    "threshold_text",
    "wilson_interval",
]
