"""All that the drawing of one photo is told."""

from __future__ import annotations

from dataclasses import dataclass

from periplus.synth.planet.backdrop import Sky
from periplus.synth.planet.looks import Looks
from periplus.synth.planet.place import Place
from periplus.synth.planet.traits import Traits


@dataclass(frozen=True)
class Setting:
    """Where and when a photo is taken, and of what.

    Attributes:
        place: what is there.
        looks: its colours on that day.
        traits: its country's.
        sky: the light.
        subject: one of ``visits.SUBJECTS``.
    """

    place: Place
    looks: Looks
    traits: Traits
    sky: Sky
    subject: str
