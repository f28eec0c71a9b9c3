"""Made worlds with known truth."""

from periplus.synth.config import TownConfig
from periplus.synth.planet import FieldSamples, FieldsConfig, Planet, PlanetConfig, make_fields, make_planet
from periplus.synth.town import Town, make_town

__all__ = [
    "FieldSamples",
    "FieldsConfig",
    "Planet",
    "PlanetConfig",
    "Town",
    "TownConfig",
    "make_fields",
    "make_planet",
    "make_town",
]
