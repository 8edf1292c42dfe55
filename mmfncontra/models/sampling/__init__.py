"""Images of a generator, each a function of its seed and number alone."""

from .images import (
    calibrate_batchnorm,
    copy_generator,
    iterate_images,
    iterate_pixels,
    sample_images,
    to_arrays,
    to_uint8,
)
from .renderer import ImageRenderer

__all__ = [
    'ImageRenderer',
    'calibrate_batchnorm',
    'copy_generator',
    'iterate_images',
    'iterate_pixels',
    'sample_images',
    'to_arrays',
    'to_uint8',
]
