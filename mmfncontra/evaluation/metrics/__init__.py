"""Metrics for mmagic's evaluator."""

from .discriminator_view import DiscriminatorView
from .feature_metrics import FeatureMetrics
from .generated_batches import GeneratedBatches
from .image_metrics import ImageMetrics
from .optional import installed_metrics
from .perceptual_metrics import PerceptualMetrics
from .sample_metric import SampleMetric

__all__ = [
    'DiscriminatorView',
    'FeatureMetrics',
    'GeneratedBatches',
    'ImageMetrics',
    'PerceptualMetrics',
    'SampleMetric',
    'installed_metrics',
]
