from .budget import Budget as Budget
from .clean import CleanSettings as CleanSettings
from .clean import clean as clean
from .cracks.random import RandomCracks as RandomCracks
from .cracks.sheet import SheetCracks as SheetCracks
from .errors import XctCrackError as XctCrackError
from .events import finish as finish
from .inference import SegmentSettings as SegmentSettings
from .inference import segment as segment
from .io import read as read
from .measure import MeasureSettings as MeasureSettings
from .measure import measure as measure
from .methods.cyclegan import CycleGan as CycleGan
from .methods.semisynthetic import SemiSynthetic as SemiSynthetic
from .networks.compact import Compact as Compact
from .networks.halved import Halved as Halved
from .networks.unet256 import UNet256 as UNet256
from .prepare import PrepareSettings as PrepareSettings
from .prepare import prepare as prepare
from .runs import Run as Run
from .runs import TrainSettings as TrainSettings
from .settings import Length as Length
from .training import train as train
from .volume import Box as Box
from .volume import Volume as Volume

__version__: str
