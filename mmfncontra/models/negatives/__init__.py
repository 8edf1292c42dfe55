"""Negatives that no wavelet makes: blurred copies, mixes of other images, several kinds at once."""

from .joined_negatives import JoinedNegatives
from .low_pass_negatives import LowPassNegatives
from .synthetic_negatives import SyntheticNegatives

__all__ = ['JoinedNegatives', 'LowPassNegatives', 'SyntheticNegatives']
