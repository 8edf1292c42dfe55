"""Augmentations inside the training step and positive views."""

from .ada import ADA
from .apa import APA
from .diff_augment import DiffAugment
from .random_view import RandomView

__all__ = ['ADA', 'APA', 'DiffAugment', 'RandomView']
