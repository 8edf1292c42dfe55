"""Discrete wavelets on the device, and the negatives made with them."""

from .filter_bank import FilterBank, filter_bank
from .frequency_negatives import FrequencyNegatives
from .transform2d import ORIENTATIONS, check_levels, decompose, pad_to_multiple, reconstruct

__all__ = [
    'ORIENTATIONS',
    'FilterBank',
    'FrequencyNegatives',
    'check_levels',
    'decompose',
    'filter_bank',
    'pad_to_multiple',
    'reconstruct',
]
