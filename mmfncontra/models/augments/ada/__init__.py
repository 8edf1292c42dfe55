"""Adaptive discriminator augmentation."""

from .ada import ADA

__all__ = ['ADA']
