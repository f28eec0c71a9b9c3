"""A made planet: appearance from random fields on the sphere with known semivariograms."""

from periplus.synth.planet.config import PlanetConfig
from periplus.synth.planet.fields import FieldModel, RandomField
from periplus.synth.planet.place import FIELD_MODELS, Place, fields_of, look_at
from periplus.synth.planet.planet import Planet, make_planet
from periplus.synth.planet.samples import FieldSamples, FieldsConfig, make_fields

__all__ = [
    "FIELD_MODELS",
    "FieldModel",
    "FieldSamples",
    "FieldsConfig",
    "Place",
    "Planet",
    "PlanetConfig",
    "RandomField",
    "fields_of",
    "look_at",
    "make_fields",
    "make_planet",
]
