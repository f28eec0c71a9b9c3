"""Judge rankings: by labels that query and gallery share, or by what the makers of a benchmark say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate import (
    RankProtocol,
    Relevance,
    evaluate_ranking,
    evaluate_recognition,
    labels_of_neighbours,
    retrieval_protocol_named,
    revisited_relevance,
)
from periplus.records import Catalog, Ranking, Report
from periplus.sources import Truth, gldv2_recognition, gldv2_relevance, oxford_truth, revisited_truth

_TRUTHS: dict[str, Callable[[Path], Truth]] = {
    "gldv2": gldv2_relevance,
    "gldv2-clean": gldv2_relevance,
    "gldv2-test": gldv2_relevance,
    **{name: partial(revisited_truth, name=name) for name in ("roxford5k", "rparis6k")},
    **{name: partial(oxford_truth, name=name) for name in ("oxford5k", "paris6k")},
}
_DIFFICULTIES = ("easy", "medium", "hard")
_LANDMARKS: dict[str, Callable[[Path], Truth]] = dict.fromkeys(
    ("gldv2", "gldv2-clean", "gldv2-test"), gldv2_recognition
)


def truth_of(spec: str, protocol: str) -> Truth | None:
    """What a benchmark says answers each of its queries; None where a source is no benchmark.

    Args:
        spec: ``name:path``, as :func:`periplus.sources.open_source` takes it.
        protocol: the name of a retrieval protocol; it tells whether photos or landmarks are asked for.

    Raises:
        CatalogError: the benchmark's files are missing or break their rules.
        UsageError: there is no such protocol.
    """
    truths = _TRUTHS if retrieval_protocol_named(protocol).measures else _LANDMARKS
    name, colon, path = spec.partition(":")
    if not colon or Path(spec).exists() or name.partition("+")[0] not in truths:
        return None
    return truths[name.partition("+")[0]](Path(path).expanduser())


@dataclass(frozen=True)
class Judge:
    """How rankings are judged.

    Attributes:
        protocol: the name of a retrieval protocol.
        label: the catalog's column that makes a gallery photo right for a query, where there is no ``truth``.
        truth: what a benchmark says; None to judge by labels.
        resamples: of the bootstrap.

    Raises:
        UsageError: there is no such protocol, or the benchmark has no truth for it.
    """

    protocol: str = "gldv2-retrieval"
    label: str = "landmark"
    truth: Truth | None = None
    resamples: int = 1000

    def __post_init__(self) -> None:
        """Check the name, and that the truth can be judged by."""
        says = () if self.truth is None else tuple(self.truth.groups)
        if not self.definition.measures:
            fits = self.truth is None or "landmark" in says
        elif "easy" in says:
            fits = self._difficulty in _DIFFICULTIES
        else:
            fits = self.truth is None or "relevant" in says or "ok" in says
        if not fits:
            hint = " Take one that ends in -medium, such as roxford-medium." if "easy" in says else ""
            raise UsageError(f"This benchmark says {', '.join(says)}, which is no truth for {self.protocol}.{hint}")

    @property
    def _difficulty(self) -> str:
        return self.protocol.rpartition("-")[2]

    @property
    def definition(self) -> RankProtocol:
        """The protocol."""
        return retrieval_protocol_named(self.protocol)

    def depth(self, k: int, gallery: int) -> int:
        """How deep a ranking must be: at least k, and as deep as the protocol looks."""
        looked = self.definition.depth
        return gallery if looked in ("all", "R") else max(k, int(looked))

    def of(
        self,
        ranking: Ranking,
        queries: Catalog,
        gallery: Catalog,
        fingerprints: dict[str, str],
        own: Sequence[NDArray[np.int64]] | None = None,
    ) -> Report:
        """The report on the rankings of some queries, in their order.

        Args:
            ranking: of the gallery.
            queries: who asked.
            gallery: what was asked.
            fingerprints: what the report is signed with.
            own: for each query the gallery rows that are the query itself; judged by labels, they are neither right
                nor wrong.

        Raises:
            UsageError: a catalog has no such column, or a query is none of the benchmark's.
        """
        protocol = self.definition
        if not protocol.measures:
            labels, scores = labels_of_neighbours(ranking, _labels(gallery, self.label, "gallery"))
            asked = _asked(queries, self.label) if self.truth is None else self._lists(queries)["landmark"]
            report = evaluate_recognition(labels, scores, asked, query_ids=queries.ids, resamples=self.resamples)
        else:
            relevance = self._relevance(queries, gallery, own)
            report = evaluate_ranking(ranking, relevance, protocol, query_ids=queries.ids, resamples=self.resamples)
        return replace(report, fingerprints=fingerprints)

    def _relevance(self, queries: Catalog, gallery: Catalog, own: Sequence[NDArray[np.int64]] | None) -> Relevance:
        if self.truth is None:
            labels = _labels(gallery, self.label, "gallery")
            return Relevance.from_labels(_asked(queries, self.label), labels, junk=own)
        row = {photo: at for at, photo in enumerate(gallery.ids)}
        # A part of a published gallery is asked about what it holds.
        lists = {
            name: [[row[photo] for photo in photos if photo in row] for photos in each]
            for name, each in self._lists(queries).items()
        }
        if "easy" in lists:
            return revisited_relevance(lists["easy"], lists["hard"], lists["junk"], len(gallery))[self._difficulty]
        return Relevance.from_rows(lists.get("relevant", lists.get("ok", [])), len(gallery), junk=lists.get("junk"))

    def _lists(self, queries: Catalog) -> dict[str, list[tuple[str, ...]]]:
        """What the benchmark says of some queries, by group."""
        truth = self.truth or Truth((), {})
        place = {photo: row for row, photo in enumerate(truth.queries)}
        unknown = next((photo for photo in queries.ids if photo not in place), None)
        if unknown is not None:
            raise UsageError(f"{unknown!r} is no query of this benchmark. Take its queries alone, as by --split query.")
        return {name: [each[place[query]] for query in queries.ids] for name, each in truth.groups.items()}


def _labels(catalog: Catalog, column: str, whose: str) -> list[str | None]:
    if column not in catalog.table.column_names:
        have = ", ".join(catalog.table.column_names)
        raise UsageError(f"The {whose} has no column {column!r} to tell what is right; it has {have}.")
    return [None if value is None else str(value) for value in catalog.column(column)]


def _asked(queries: Catalog, column: str) -> list[list[str]]:
    return [[] if label is None else [label] for label in _labels(queries, column, "query table")]
