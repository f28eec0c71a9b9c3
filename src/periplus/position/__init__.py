"""From verified photos, neighbours or the scores of a world-wide gallery to a position."""

from periplus.position.areas import KINDS, AreaTable, area_table, top_areas
from periplus.position.belief import Kernel, Peak, find_peak
from periplus.position.calibrate import Calibration, Candidates, calibrate, calibration_from
from periplus.position.fix import FEWEST_INLIERS, make_fix, no_fix
from periplus.position.fuse import LANDMARKS, Expert, Fused, belief_from, fuse
from periplus.position.guess import GUESSES, Bell, Gain, ScoreGain, best_place, best_row, best_score, mode
from periplus.position.heat import grid, pixel_area_km2
from periplus.position.honest import Exclusions
from periplus.position.kernels import density_at, density_of, kappa_of, merged
from periplus.position.refine import Children, Logits, Plan, children_of, divided, refine, top_cells
from periplus.position.region import Region, mass_before, mass_within, radii_km, region
from periplus.position.temperature import TEMPERATURES, TemperatureSearch
from periplus.position.two_step import two_step
from periplus.position.world import WorldBelief, WorldRows, belief_of, posterior, sharpness
from periplus.position.world_calibrate import (
    HeldBack,
    Look,
    Outcome,
    calibrate_world,
    fit_outcomes,
    look_around,
    look_at,
    outcome_of,
)
from periplus.position.world_calibration import WorldCalibration, world_calibration_from
from periplus.position.world_fix import decide, evidence_of, make_world_fix

__all__ = [
    "FEWEST_INLIERS",
    "GUESSES",
    "KINDS",
    "LANDMARKS",
    "TEMPERATURES",
    "AreaTable",
    "Bell",
    "Calibration",
    "Candidates",
    "Children",
    "Exclusions",
    "Expert",
    "Fused",
    "Gain",
    "HeldBack",
    "Kernel",
    "Logits",
    "Look",
    "Outcome",
    "Peak",
    "Plan",
    "Region",
    "ScoreGain",
    "TemperatureSearch",
    "WorldBelief",
    "WorldCalibration",
    "WorldRows",
    "area_table",
    "belief_from",
    "belief_of",
    "best_place",
    "best_row",
    "best_score",
    "calibrate",
    "calibrate_world",
    "calibration_from",
    "children_of",
    "decide",
    "density_at",
    "density_of",
    "divided",
    "evidence_of",
    "find_peak",
    "fit_outcomes",
    "fuse",
    "grid",
    "kappa_of",
    "look_around",
    "look_at",
    "make_fix",
    "make_world_fix",
    "mass_before",
    "mass_within",
    "merged",
    "mode",
    "no_fix",
    "outcome_of",
    "pixel_area_km2",
    "posterior",
    "radii_km",
    "refine",
    "region",
    "sharpness",
    "top_areas",
    "top_cells",
    "two_step",
    "world_calibration_from",
]
