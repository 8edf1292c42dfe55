"""Learned features of images: the networks and a cache of what they say about real images."""

from .extractor import EXTRACTORS, FeatureExtractor
from .feature_cache import cached_features
from .lpips_distance import LPIPS_NETWORKS, LPIPSDistance
from .networks import check_packages

__all__ = [
    'EXTRACTORS',
    'LPIPS_NETWORKS',
    'FeatureExtractor',
    'LPIPSDistance',
    'cached_features',
    'check_packages',
]
