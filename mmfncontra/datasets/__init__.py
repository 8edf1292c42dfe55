from . import transforms
from .few_shot_dataset import FewShotDataset
from .image_reading import read_image, resize_image
from .image_source import ImageSource

__all__ = [
    'FewShotDataset',
    'ImageSource',
    'read_image',
    'resize_image',
    'transforms',
]
