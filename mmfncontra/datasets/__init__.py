"""Images for training: read from files, or drawn."""

from . import transforms
from .few_shot_dataset import FewShotDataset
from .image_reading import read_image, resize_image
from .image_source import ImageSource
from .shells.procedural_shells import ProceduralShells

__all__ = [
    'FewShotDataset',
    'ImageSource',
    'ProceduralShells',
    'read_image',
    'resize_image',
    'transforms',
]
