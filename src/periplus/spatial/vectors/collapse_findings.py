"""What the numbers of a :class:`~periplus.spatial.Collapse` say, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from periplus.spatial.vectors.collapse import Collapse

CONE: Final = 0.2
"""From this mean similarity on, vectors are said to form a cone."""
FEW: Final = 0.1
"""Below this share of the possible directions, the effective rank is said to be small."""
HUBS: Final = 1.4
"""From this skewness of the k-occurrence on, there are said to be hubs."""
APART: Final = 0.25
"""Two estimates of the dimension that differ by more than this share are said to disagree."""


def findings(collapse: Collapse) -> tuple[str, ...]:
    """One sentence a question; each names its numbers and, where it judges, its threshold."""
    said = [_data(collapse), _cone(collapse), *_directions(collapse), _uniformity(collapse)]
    said += [_alignment(collapse), _hubs(collapse), _dimension(collapse)]
    return tuple(sentence.replace(" -", " −") for sentence in said if sentence)


def _data(c: Collapse) -> str:
    said = f"{c.n:,} vectors of {c.dim} dimensions"
    if c.n_empty:
        said += f", {c.n_empty:,} empty ones left out"
    if c.n_sampled < c.n:
        said += f"; pairs and neighbours from a random sample of {c.n_sampled:,}"
    if c.n_copies:
        said += f"; {c.n_copies:,} exact copies among them, left out of hubs and dimension"
    return said + "."


def _cone(c: Collapse) -> str:
    judged = f"A cone (from {CONE} on)" if c.mean_similarity >= CONE else f"No cone (that is from {CONE} on)"
    found, even = f"{c.mean_similarity:z.2f} ± {c.similarity_std:.2f}", f"0.00 ± {c.dim**-0.5:.2f}"
    return (
        f"{judged}: similarity of all pairs {found} (standard deviation), where vectors spread evenly over {c.dim} "
        f"dimensions have {even}; the mean vector has length {c.mean_norm:.2f}."
    )


def _directions(c: Collapse) -> list[str]:
    possible = min(c.dim, c.n - 1)
    if not c.directions.rank:
        return ["Collapsed: all vectors are the same but for rounding."]
    few = c.effective_rank < FEW * possible
    judged = (
        f"Few directions (under {_percent(FEW)} of {possible})"
        if few
        else f"Not few directions (from {_percent(FEW)} on)"
    )
    first = f"the first alone {_percent(c.directions.first_share)}"
    carry = f"{c.explained[1]} of {c.dim} directions carry 90 % of the variance, {first}"
    said = [f"{judged}: effective rank {c.effective_rank:.1f}; {carry}."]
    if c.directions.rank < possible:
        said.append(f"{possible - c.directions.rank} of {possible} directions have no variance beyond rounding.")
    if c.n <= c.dim:
        said.append(f"{c.n} vectors vary in at most {c.n - 1} directions: too few to judge all {c.dim}.")
    return said


def _uniformity(c: Collapse) -> str:
    sampled = f" ± {c.uniformity_error:.2g} (sampled)" if c.uniformity_error else ""
    return f"Uniformity {c.uniformity:.2f}{sampled}; spread evenly it would be {c.uniformity_expected:.2f}."


def _alignment(c: Collapse) -> str:
    if c.alignment is None:
        return ""
    return (
        f"Pairs that belong together are {c.alignment:.2f} apart (alignment: mean squared distance, {c.n_positives:,} "
        f"pairs), all pairs {2 - 2 * c.mean_similarity:.2f}."
    )


def _hubs(c: Collapse) -> str:
    h = c.hubness
    if h is None:
        return ""
    judged = f"Hubs (skewness from {HUBS} on)" if h.skewness >= HUBS else f"No marked hubs (skewness under {HUBS})"
    return (
        f"{judged}: skewness {h.skewness:.2f}; one vector is among the {h.k} nearest of {h.largest:,}, and "
        f"{_percent(h.antihubs)} are among nobody's."
    )


def _dimension(c: Collapse) -> str:
    d = c.intrinsic_dimension
    if d is None:
        return ""
    two_nn, mle = f"{d.two_nn:.1f} ± {d.two_nn_error:.1f}", f"{d.mle:.1f} ± {d.mle_error:.1f}"
    said = f"Neighbours fill about {two_nn} dimensions (TwoNN), {mle} (MLE)"
    if abs(d.two_nn - d.mle) > APART * max(d.two_nn, d.mle):
        said += ": they disagree, so the dimension depends on the distance it is seen from"
    return said + "."


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < FEW else f"{100 * share:.0f} %"
