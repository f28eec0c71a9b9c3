"""From verified photos to a position."""

from periplus.position.belief import Kernel, Peak, find_peak
from periplus.position.calibrate import Calibration, Candidates, calibrate, calibration_from
from periplus.position.fix import FEWEST_INLIERS, make_fix, no_fix

__all__ = [
    "FEWEST_INLIERS",
    "Calibration",
    "Candidates",
    "Kernel",
    "Peak",
    "calibrate",
    "calibration_from",
    "find_peak",
    "make_fix",
    "no_fix",
]
