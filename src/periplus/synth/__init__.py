"""Made worlds with known truth."""

from periplus.synth.config import TownConfig
from periplus.synth.planet import Planet, PlanetConfig, make_planet
from periplus.synth.town import Town, make_town

__all__ = ["Planet", "PlanetConfig", "Town", "TownConfig", "make_planet", "make_town"]
