"""What a collection is worth: audit, duplicates, splits."""

from periplus.curate.appearance import WORKING_PX, Appearance, measure
from periplus.curate.audit import Audit, audit_catalog
from periplus.curate.audit_json import audit_to_json
from periplus.curate.duplicates import exact_duplicates, groups, near_duplicates, signature
from periplus.curate.findings import (
    FINDINGS_SCHEMA,
    FLAGS,
    Kept,
    keep_rows,
    read_findings,
    require_table_name,
    write_findings,
)
from periplus.curate.measured import AuditConfig, Measured
from periplus.curate.outliers import picture_statistics, strangeness
from periplus.curate.splits import INDEX, QUERY_PRIVATE, QUERY_PUBLIC, TRAIN, split_by_group

__all__ = [
    "FINDINGS_SCHEMA",
    "FLAGS",
    "INDEX",
    "QUERY_PRIVATE",
    "QUERY_PUBLIC",
    "TRAIN",
    "WORKING_PX",
    "Appearance",
    "Audit",
    "AuditConfig",
    "Kept",
    "Measured",
    "audit_catalog",
    "audit_to_json",
    "exact_duplicates",
    "groups",
    "keep_rows",
    "measure",
    "near_duplicates",
    "picture_statistics",
    "read_findings",
    "require_table_name",
    "signature",
    "split_by_group",
    "strangeness",
    "write_findings",
]
