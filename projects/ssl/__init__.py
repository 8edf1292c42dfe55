"""Contrastive components of mmfncontra inside mmpretrain.

In a config of mmpretrain ``custom_imports = dict(imports=['projects.ssl'])`` registers it.
"""

from mmfncontra.compat.prepare_mmpretrain import prepare_mmpretrain

# What follows imports mmpretrain.
prepare_mmpretrain()

from .contrast import Contrast  # noqa: E402
from .contrast_moco import ContrastMoCo  # noqa: E402
from .contrast_simclr import ContrastSimCLR  # noqa: E402
from .digits import Digits  # noqa: E402
from .linear_probe import LinearProbeHook, extract_features, linear_probe  # noqa: E402

__all__ = [
    'Contrast',
    'ContrastMoCo',
    'ContrastSimCLR',
    'Digits',
    'LinearProbeHook',
    'extract_features',
    'linear_probe',
]
