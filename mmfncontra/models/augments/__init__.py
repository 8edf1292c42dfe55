"""Augmentations of real and generated images inside the training step."""

from .ada import ADA
from .apa import APA
from .diff_augment import DiffAugment

__all__ = ['ADA', 'APA', 'DiffAugment']
