"""Augmentations inside the training step and positive views."""

from ..views.feature_mixing import FeatureMixing
from ..views.high_boost_view import HighBoostView
from ..views.random_masking import RandomMasking
from ..views.random_view import RandomView
from .ada.ada import ADA
from .apa import APA
from .diff_augment import DiffAugment

__all__ = [
    'ADA',
    'APA',
    'DiffAugment',
    'FeatureMixing',
    'HighBoostView',
    'RandomMasking',
    'RandomView',
]
