"""Augmentations inside the training step and positive views."""

from .diff_augment import DiffAugment
from .random_view import RandomView

__all__ = ['DiffAugment', 'RandomView']
