"""Steps of a data pipeline."""

# Registers mmcv's transforms (RandomFlip …) so that a pipeline can name them.
import mmcv.transforms  # noqa: F401

from .generate_frequency_negatives import GenerateFrequencyNegatives
from .pack_images import PackImages

__all__ = ['GenerateFrequencyNegatives', 'PackImages']
