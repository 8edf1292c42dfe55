"""Positive views of images and embeddings."""

from .feature_mixing import FeatureMixing
from .high_boost_view import HighBoostView
from .random_masking import RandomMasking
from .random_view import RandomView

__all__ = ['FeatureMixing', 'HighBoostView', 'RandomMasking', 'RandomView']
