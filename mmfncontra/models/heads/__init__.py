"""Contrastive heads on discriminators."""

from .contrastive_discriminator import ContrastiveDiscriminator
from .wavelet_contrastive_head import WaveletContrastiveHead, wavelet_prototype

__all__ = ['ContrastiveDiscriminator', 'WaveletContrastiveHead', 'wavelet_prototype']
