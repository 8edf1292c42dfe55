"""What tools and notebooks call. mmagic is imported only when a config names it."""

from mmfncontra.models.sampling import calibrate_batchnorm, iterate_images, sample_images
from mmfncontra.utils.checkpoint_file import check_resumable, load_checkpoint_file

from .config import load_config
from .generate import generate
from .inference import find_config, load_generator
from .overrides import apply_overrides, parse_options
from .train import latest_checkpoint, prepare_config, run_training

__all__ = [
    'apply_overrides',
    'calibrate_batchnorm',
    'check_resumable',
    'find_config',
    'generate',
    'iterate_images',
    'latest_checkpoint',
    'load_checkpoint_file',
    'load_config',
    'load_generator',
    'parse_options',
    'prepare_config',
    'run_training',
    'sample_images',
]
