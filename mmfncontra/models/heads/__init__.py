"""Contrastive heads on discriminators."""

from .contrastive_discriminator import ContrastiveDiscriminator
from .feature_taps import FeatureTaps
from .trunk_stages import find_stages
from .wavelet_contrastive_head import WaveletContrastiveHead, wavelet_prototype

__all__ = [
    'ContrastiveDiscriminator',
    'FeatureTaps',
    'WaveletContrastiveHead',
    'find_stages',
    'wavelet_prototype',
]
