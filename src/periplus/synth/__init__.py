"""Made worlds with known truth."""

from periplus.synth.config import TownConfig
from periplus.synth.town import Town, make_town

__all__ = ["Town", "TownConfig", "make_town"]
