"""Augmentations inside the training step and positive views."""

from .ada import ADA
from .apa import APA
from .diff_augment import DiffAugment
from .feature_mixing import FeatureMixing
from .high_boost_view import HighBoostView
from .random_masking import RandomMasking
from .random_view import RandomView

__all__ = [
    'ADA',
    'APA',
    'DiffAugment',
    'FeatureMixing',
    'HighBoostView',
    'RandomMasking',
    'RandomView',
]
