"""Several encoders or sources side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from periplus.errors import EmptyInputError, UsageError
from periplus.pipeline.spatial.opening import Placed, is_gallery, open_placed, row_numbers
from periplus.pipeline.spatial.reading import Reading, Tell


def open_several(sources: Sequence[str], encoders: Sequence[str], reading: Reading, tell: Tell) -> tuple[Placed, ...]:
    """Open sources, or one source as several encoders see it, with labels that tell them apart.

    Args:
        sources: one or more.
        encoders: of the photos of a source; with several, only photos that all of them could look at are kept.
        reading: how each is read.
        tell: told of the progress.

    Raises:
        UsageError: several sources and several encoders, one encoder twice, or what only an encoder needs without one.
        EmptyInputError: the encoders have fewer than two photos in common.
    """
    if len(sources) > 1 and len(encoders) > 1:
        raise UsageError("Compare several encoders on one SOURCE, or several sources by one --encoder.")
    if len(set(encoders)) < len(encoders):
        raise UsageError("Each --encoder is there once: the same would be compared with itself.")
    if len(sources) > 1 and reading.vectors is not None:
        raise UsageError("--vectors are those of one SOURCE: leave --against out.")
    if (reading.options or reading.cache) and not encoders:
        raise UsageError("--model and --cache are for what an encoder sees: name it with --encoder, or leave them out.")
    if len(encoders) > 1:
        found = [open_placed(sources[0], encoder, reading, tell) for encoder in encoders]
        return _labelled(_in_common(found), encoders)
    encoder = encoders[0] if encoders else None
    if len(sources) == 1:
        return (open_placed(sources[0], encoder, reading, tell),)
    if encoder is not None and all(map(is_gallery, sources)):
        raise UsageError("Galleries have their vectors: leave --encoder out.")
    # A gallery has its encoder; the other sources may need one.
    found = [open_placed(one, None if is_gallery(one) else encoder, reading, tell) for one in sources]
    return _labelled(found, sources)


def _in_common(found: list[Placed]) -> list[Placed]:
    """Only the photos that all have, in the order of the first."""
    shared = set.intersection(*(set(one.catalog.ids) for one in found))
    if len(shared) < 2:
        raise EmptyInputError("The encoders have fewer than two photos in common: nothing can be compared.")
    ids = [one for one in found[0].catalog.ids if one in shared]
    return [one.rows(row_numbers(one.catalog.ids, ids)) for one in found]


def _labelled(found: list[Placed], given: Sequence[str]) -> tuple[Placed, ...]:
    """Labels that differ: as they are, or the names of what was given where two are the same."""
    if len({one.label for one in found}) == len(found):
        return tuple(found)
    names = [Path(one).stem or one for one in given]
    if len(set(names)) < len(names):
        names = [f"{name} ({number})" for number, name in enumerate(names, 1)]
    return tuple(replace(one, label=name) for one, name in zip(found, names, strict=True))
