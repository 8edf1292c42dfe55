"""Contrastive heads on discriminators."""

from .contrastive_discriminator import ContrastiveDiscriminator
from .feature_taps import FeatureTaps, find_submodules
from .grouped_forward import can_group, forward_each
from .trunk_stages import find_stages, image_size
from .wavelet_contrastive_head import WaveletContrastiveHead, wavelet_prototype

__all__ = [
    'ContrastiveDiscriminator',
    'FeatureTaps',
    'WaveletContrastiveHead',
    'can_group',
    'find_stages',
    'find_submodules',
    'forward_each',
    'image_size',
    'wavelet_prototype',
]
