"""What a training does besides its steps: weights, progress, pictures."""

from .curves_hook import CurvesHook
from .dynamic_weight_hook import DynamicWeightHook
from .negatives_panel_hook import NegativesPanelHook
from .progress_logger_hook import ProgressLoggerHook
from .sample_grid_hook import SampleGridHook

__all__ = [
    'CurvesHook',
    'DynamicWeightHook',
    'NegativesPanelHook',
    'ProgressLoggerHook',
    'SampleGridHook',
]
