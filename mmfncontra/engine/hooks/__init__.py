"""What a training does besides its steps: weights, progress, pictures."""

from .checkpoint_hook import CheckpointHook
from .curves_hook import CurvesHook
from .dynamic_weight_hook import DynamicWeightHook
from .early_stopping_hook import EarlyStoppingHook
from .metric_card_hook import MetricCardHook
from .negatives_panel_hook import NegativesPanelHook
from .non_finite_hook import NonFiniteHook
from .progress_logger_hook import ProgressLoggerHook
from .run_doctor_hook import RunDoctorHook
from .sample_grid_hook import SampleGridHook
from .step_scalars_hook import StepScalarsHook

__all__ = [
    'CheckpointHook',
    'CurvesHook',
    'DynamicWeightHook',
    'EarlyStoppingHook',
    'MetricCardHook',
    'NegativesPanelHook',
    'NonFiniteHook',
    'ProgressLoggerHook',
    'RunDoctorHook',
    'SampleGridHook',
    'StepScalarsHook',
]
