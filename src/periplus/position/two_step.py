"""Country first, then city: the posterior over texts about places.

StreetCLIP asks for the country, then for the city among those of the country (Haas, Alberti, Skreta, Learning
Generalized Zero-Shot Learners for Open-Domain Image Geolocalization, arXiv 2302.00275). Here nothing is cut off:
p(city) = p(country) p(city | country), each factor a softmax over its own texts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def two_step(
    scores: NDArray[np.float32], scale: float, country: NDArray[np.int64], whole: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Probabilities (q, n) of the rows, each query's sum 1.

    Where no row stands for a country, or all do, it is one softmax. A country's row keeps its probability only where
    none of its cities has a row; cities of a country without a row share nothing and get 0.

    Args:
        scores: (q, n), larger is better.
        scale: the scores are multiplied by.
        country: (n,), which country each row belongs to, 0 or more.
        whole: (n,), which rows stand for a whole country, at most one each.
    """
    logits = scale * scores.astype(np.float64)
    if whole.all() or not whole.any():
        return _softmax(logits).astype(np.float32)
    order = np.argsort(country, kind="stable")
    codes, starts, place = np.unique(country[order], return_index=True, return_inverse=True)
    sorted_whole, sorted_logits = whole[order], logits[:, order]
    has_city = np.zeros(len(codes), bool)
    has_city[place[~sorted_whole]] = True
    country_logits = np.full((len(scores), len(codes)), -np.inf)
    country_logits[:, place[sorted_whole]] = sorted_logits[:, sorted_whole]
    of_country = _softmax(country_logits)
    inner = np.where(sorted_whole & has_city[place], -np.inf, sorted_logits)
    inner -= np.maximum.reduceat(inner, starts, axis=1)[:, place]
    share = np.exp(inner)
    share /= np.add.reduceat(share, starts, axis=1)[:, place]
    result = np.empty_like(share)
    result[:, order] = share * of_country[:, place]
    return result.astype(np.float32)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
