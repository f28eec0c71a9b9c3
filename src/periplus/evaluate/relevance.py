"""Which gallery rows are right answers to which queries."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError

WITHOUT_POSITIVES: Final = "no positives"
"""Why a query that nothing in the gallery answers is left out; always counted, also when there is none."""


@dataclass(frozen=True)
class Lists:
    """Lists of numbers of different lengths, one after the other.

    Attributes:
        starts: int64 (n + 1,), where each list begins in ``values``.
        values: int64 (m,).
    """

    starts: NDArray[np.int64]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, lists: Iterable[ArrayLike]) -> Lists:
        """Join lists of whole numbers.

        Raises:
            UsageError: a list is not flat or holds something else.
        """
        arrays = [np.asarray(one) for one in lists]
        for place, one in enumerate(arrays):
            if one.ndim != 1 or (len(one) and one.dtype.kind not in "iu"):
                raise UsageError(f"List {place} must be flat and hold whole numbers; it is {one.dtype} {one.shape}.")
        starts = np.concatenate([[0], np.cumsum([len(one) for one in arrays])]).astype(np.int64)
        return cls(starts, np.concatenate([np.zeros(0, np.int64), *arrays]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, which: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The values of some lists: for each value its place in ``which``, and the value."""
        lengths = self.starts[which + 1] - self.starts[which]
        owner = np.repeat(np.arange(len(which)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return owner, self.values[self.starts[which][owner] + offset]


@dataclass(frozen=True)
class Relevance:
    """For q queries, which of n gallery rows are right (positives) and which do not count at all (junk).

    Positives are kept as groups of rows, so labels cost n + q numbers, never q x n. A row that is both is junk, as
    a query in its own gallery is of the right class and must not answer itself. Junk is taken out of a ranking
    before its ranks are counted.

    Attributes:
        gallery: n.
        groups: gallery rows, such as those of one landmark.
        wanted: for each query, the groups that are right.
        junk: for each query, gallery rows.

    Raises:
        UsageError: a row or group that is not there, or lists of another number of queries.
    """

    gallery: int
    groups: Lists
    wanted: Lists
    junk: Lists

    def __post_init__(self) -> None:
        """Check that every number points somewhere."""
        if len(self.wanted) != len(self.junk):
            raise UsageError(f"{len(self.wanted)} queries have {len(self.junk)} lists of junk: give one list a query.")
        parts = ((self.groups, self.gallery, "gallery row"), (self.junk, self.gallery, "gallery row"))
        for lists, end, what in (*parts, (self.wanted, len(self.groups), "group")):
            wrong = lists.values[(lists.values < 0) | (lists.values >= end)]
            if len(wrong):
                raise UsageError(f"There is no {what} {wrong[0]} among {end}: number them from 0 to {end - 1}.")

    @classmethod
    def from_labels(
        cls,
        query_labels: Sequence[Sequence[Hashable]],
        gallery_labels: Sequence[Hashable],
        *,
        junk: Sequence[ArrayLike] | None = None,
    ) -> Relevance:
        """A gallery row is right where its label is one of the query's.

        Args:
            query_labels: q lists of labels, one or several each; empty where none is known.
            gallery_labels: n labels; None matches nothing.
            junk: q lists of gallery rows; to ask a collection about itself, each row of it its own.

        Raises:
            UsageError: a query has a bare label instead of a list, or ``junk`` does not fit.
        """
        for place, labels in enumerate(query_labels):
            if isinstance(labels, str):
                raise UsageError(f"Query {place} has the bare label {labels!r}: give a list of labels, [{labels!r}].")
        asked = dict.fromkeys(label for labels in query_labels for label in labels if label is not None)
        codes = {label: code for code, label in enumerate(asked)}
        n = len(gallery_labels)
        of_row = np.fromiter(map(codes.get, gallery_labels, repeat(-1)), np.int64, n)
        rows = np.flatnonzero(of_row >= 0)
        # Sorted as single numbers: many times faster than a stable argsort of the codes.
        ordered = np.sort(of_row[rows] * n + rows)
        starts = np.searchsorted(ordered, np.arange(len(codes) + 1) * n)
        wanted = Lists.of([[codes[label] for label in set(labels) - {None}] for labels in query_labels])
        return cls(n, Lists(starts, ordered % max(1, n)), wanted, _junk(junk, len(query_labels)))

    @classmethod
    def from_rows(
        cls, positives: Sequence[ArrayLike], gallery: int, *, junk: Sequence[ArrayLike] | None = None
    ) -> Relevance:
        """Explicit lists of gallery rows, one list a query; ``gallery`` is the number of rows."""
        each = np.arange(len(positives) + 1)
        return cls(gallery, Lists.of(positives), Lists(each, each[:-1]), _junk(junk, len(positives)))

    @classmethod
    def from_ids(
        cls,
        positives: Sequence[Iterable[str]],
        gallery_ids: Sequence[str],
        *,
        junk: Sequence[Iterable[str]] | None = None,
    ) -> Relevance:
        """Explicit lists of gallery ids, one list a query.

        Raises:
            UsageError: an id that the gallery does not have. Where that is meant (a part of the published gallery),
                leave the id out, and with it out of the count of what could be found.
        """
        row = {photo: place for place, photo in enumerate(gallery_ids)}
        listed = [_rows(ids, row) for ids in positives]
        return cls.from_rows(listed, len(row), junk=None if junk is None else [_rows(ids, row) for ids in junk])

    def __len__(self) -> int:
        return len(self.wanted)

    def keys(self, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positives and junk of the queries ``first <= q < last``, each as (q - first) * n + row, ascending, once."""
        queries = np.arange(first, last)
        asked, group = self.wanted.take(queries)
        place, rows = self.groups.take(group)
        owner, out = self.junk.take(queries)
        positives, junk = _once(asked[place] * self.gallery + rows), _once(owner * self.gallery + out)
        return positives[np.isin(positives, junk, invert=True)] if len(junk) else positives, junk


def _once(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    # np.unique goes by hashing and is several times slower.
    ordered = np.sort(keys)
    return ordered[np.diff(ordered, prepend=-1) > 0]


def _junk(junk: Sequence[ArrayLike] | None, queries: int) -> Lists:
    return Lists(np.zeros(queries + 1, np.int64), np.zeros(0, np.int64)) if junk is None else Lists.of(junk)


def _rows(ids: Iterable[str], row: Mapping[str, int]) -> list[int]:
    try:
        return [row[photo] for photo in ids]
    except KeyError as error:
        raise UsageError(f"The gallery has no photo {error.args[0]!r}: leave out what it does not hold.") from None
