"""Metrics as functions on arrays of images, without networks and files."""

from .diversity import diversity_ratio, pairwise_diversity
from .extrapolate import extrapolate
from .image_arrays import check_same_size, reduce_images
from .memorisation import feature_copy_rate, nearer_to_training
from .nearest_neighbours import copy_rate, nearest_distances
from .overfitting import discriminator_view
from .sliced_wasserstein import laplacian_pyramid, sliced_wasserstein
from .spectrum import radial_power_spectrum, spectrum_distance
from .subbands import subband_energies, subband_ratios

__all__ = [
    'check_same_size',
    'copy_rate',
    'discriminator_view',
    'diversity_ratio',
    'extrapolate',
    'feature_copy_rate',
    'laplacian_pyramid',
    'nearer_to_training',
    'nearest_distances',
    'pairwise_diversity',
    'radial_power_spectrum',
    'reduce_images',
    'sliced_wasserstein',
    'spectrum_distance',
    'subband_energies',
    'subband_ratios',
]
