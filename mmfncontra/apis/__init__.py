"""What tools and notebooks call. Imported when it is asked for; mmagic, when a config names it."""

from mmfncontra.compat.lighter_imports import lighten_mmengine
from mmfncontra.utils.lazy_names import lazy_names

lighten_mmengine()

__all__ = [
    'apply_overrides',
    'calibrate_batchnorm',
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

__getattr__ = lazy_names(
    __name__,
    {
        'apply_overrides': 'mmfncontra.config.options',
        'calibrate_batchnorm': 'mmfncontra.models.sampling',
        'find_config': 'mmfncontra.apis.inference',
        'generate': 'mmfncontra.apis.generate',
        'iterate_images': 'mmfncontra.models.sampling',
        'latest_checkpoint': 'mmfncontra.checkpoints.store',
        'load_checkpoint_file': 'mmfncontra.checkpoints.file',
        'load_config': 'mmfncontra.config.load',
        'load_generator': 'mmfncontra.apis.inference',
        'parse_options': 'mmfncontra.config.options',
        'prepare_config': 'mmfncontra.config.prepare',
        'run_training': 'mmfncontra.apis.train',
        'sample_images': 'mmfncontra.models.sampling',
    },
)
