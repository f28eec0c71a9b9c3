"""The published protocols of image retrieval, as named objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, Literal

from periplus.evaluate import measures
from periplus.evaluate.measures import Measure
from periplus.evaluate.protocols import named


@dataclass(frozen=True)
class RankProtocol:
    """How rankings are compared with the truth.

    Attributes:
        name: what a report is signed with.
        measures: what is measured; none where not rankings are scored but labels, as
            :func:`~periplus.evaluate.evaluate_recognition` does.
        depth: how many ranks of a query are looked at; ``"R"``: as many as it has positives; ``"all"``.
        description: for people, with the source.
    """

    name: str
    measures: tuple[Measure, ...]
    depth: int | Literal["R", "all"]
    description: str


_REVISITED = (
    Measure("mAP", measures.ap_revisited),
    *(Measure(f"mP/{k}", partial(measures.precision_revisited, k=k)) for k in (1, 5, 10)),
)
_DIFFICULTIES = {
    "easy": "positives: easy; junk: junk and hard",
    "medium": "positives: easy and hard; junk: junk",
    "hard": "positives: hard; junk: junk and easy",
}

RETRIEVAL_PROTOCOLS: Final[Mapping[str, RankProtocol]] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            RankProtocol(
                "gldv2-retrieval",
                (Measure("mAP/100", measures.ap_gldv2),),
                100,
                "Google Landmarks Dataset v2, retrieval: rectangular AP of the first 100 over min(positives, 100).",
            ),
            RankProtocol(
                "gldv2-recognition",
                (),
                0,
                "Google Landmarks Dataset v2, recognition: global average precision of one label a query; takes labels "
                "(evaluate_recognition), not rankings.",
            ),
            *(
                RankProtocol(
                    f"{dataset}-{difficulty}",
                    _REVISITED,
                    "all",
                    f"Revisited {city}, {difficulty} ({meaning}): trapezoidal AP of the whole ranking, mP@1, 5, 10. "
                    "With distractors: the same, their rows appended to the gallery. Queries cropped to their box.",
                )
                for dataset, city in (("roxford", "Oxford"), ("rparis", "Paris"))
                for difficulty, meaning in _DIFFICULTIES.items()
            ),
            *(
                RankProtocol(
                    name,
                    (Measure("mAP", measures.ap_revisited),),
                    "all",
                    f"{city} buildings as first published: positives good and ok, junk taken out, trapezoidal AP of "
                    "the whole ranking.",
                )
                for name, city in (("oxford5k", "Oxford"), ("paris6k", "Paris"))
            ),
            RankProtocol(
                "recall",
                tuple(Measure(f"recall/{k}", partial(measures.hit_at, k=k), share=True) for k in (1, 5, 10, 20)),
                20,
                "Visual place recognition: share of queries with a right photo among the first k.",
            ),
            RankProtocol(
                "map-at-r",
                (
                    Measure("MAP@R", measures.ap_at_r),
                    Measure("R-precision", measures.precision_at_r),
                    Measure("precision/1", partial(measures.hit_at, k=1), share=True),
                ),
                "R",
                "Metric learning (Musgrave, Belongie, Lim, A metric learning reality check, ECCV 2020).",
            ),
            RankProtocol(
                "map-of-found",
                (Measure("mAP/100", measures.ap_of_found),),
                100,
                "Rectangular AP of the first 100 over the positives found there: what was missed costs nothing. For "
                "comparison with reports that use it.",
            ),
            RankProtocol(
                "materarbeit-uncapped",
                (Measure("mAP/100", measures.ap_uncapped),),
                100,
                "As gldv2-retrieval, but over all positives, so a class of more than 100 cannot reach 1. For "
                "comparison only.",
            ),
            RankProtocol(
                "materarbeit-capped50",
                (Measure("mAP/100", measures.ap_capped_50),),
                100,
                "As gldv2-retrieval, but over min(positives, 50) and cut to 1. For comparison only.",
            ),
            RankProtocol(
                "materarbeit-k100",
                (Measure("mAP/100", measures.ap_over_k),),
                100,
                "As gldv2-retrieval, but always over 100. For comparison only.",
            ),
        )
    }
)
"""The family: a new protocol is one entry here. Once published, a name never changes its meaning."""


def retrieval_protocol_named(name: str) -> RankProtocol:
    """Look a protocol up.

    Raises:
        UsageError: no protocol has this name; the nearest one is named.
    """
    return named(name, RETRIEVAL_PROTOCOLS)
