"""Contrastive heads on discriminators."""

from ..taps.feature_taps import FeatureTaps, find_submodules
from ..taps.grouped_forward import can_group, forward_each
from ..taps.stages import find_stages, image_size
from .contrastive_discriminator import ContrastiveDiscriminator
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
