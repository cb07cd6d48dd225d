"""Are a generator's cracks like those of a scan, and how must it be set so that they are?"""

from ._calibrate import Calibration, calibrate
from ._compare import Plot, Realism, Row, realism

__all__ = ["Calibration", "Plot", "Realism", "Row", "calibrate", "realism"]
