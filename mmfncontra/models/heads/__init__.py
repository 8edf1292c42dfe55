"""Contrastive heads on discriminators."""

from .contrastive_discriminator import ContrastiveDiscriminator
from .feature_taps import FeatureTaps, find_submodules
from .trunk_stages import find_stages, image_size
from .wavelet_contrastive_head import WaveletContrastiveHead, wavelet_prototype

__all__ = [
    'ContrastiveDiscriminator',
    'FeatureTaps',
    'WaveletContrastiveHead',
    'find_stages',
    'find_submodules',
    'image_size',
    'wavelet_prototype',
]
