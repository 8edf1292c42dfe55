"""The one door to mmagic 1.2, and what mmpretrain 1.2 needs of the same."""

import os
import warnings
from functools import cache

from .lighter_imports import lighten_mmagic, lighten_mmengine
from .versions import check_versions


@cache
def prepare_mmagic() -> None:
    """Ready an old mmagic (1.2, 2023) for today's packages. Call it before importing mmagic.

    * the versions of what it stands on are checked, see :func:`check_versions`;
    * only what is used of it is imported, see :func:`lighten_mmagic`;
    * albumentations 1.4 is kept from asking the network for its newest version at import;
    * numpy 2 gets back ``np.bool8``, which mmagic 1.2 names in a table;
    * mmcv-lite gets a stand-in for its compiled operators, see :func:`install_mmcv_ops`, and
      StyleGAN2's two in plain torch, see :func:`install_stylegan_ops`; full mmcv keeps its own;
    * mmcv's convolutions for second derivatives are replaced, see
      :func:`install_lean_convolutions`;
    * checkpoints of mmengine 0.10 load with ``weights_only=True``, see
      :func:`allow_training_checkpoints`;
    * configs of this package can be bases by name, see :func:`name_own_configs`;
    * each statement of a config is formatted once, see :func:`format_statements_once`;
    * diffusers below 0.29, which mmagic imports, warns four times of its own old import paths;
      mmengine asks pkg_resources, which is deprecated, what is installed. These are for their
      authors, and silenced.

    No installed file is changed. Calling it again costs nothing.

    Raises:
        ImportError: If a package is missing or has a version that does not work.
    """
    check_versions()
    lighten_mmagic()
    is_lite = prepare_mmengine()
    # Imported now: these are packages whose versions had to be checked first.
    import numpy as np

    from .formatted_configs import format_statements_once
    from .lean_convolution import install_lean_convolutions
    from .own_configs import name_own_configs
    from .stylegan_ops import install_stylegan_ops

    if np.lib.NumpyVersion(np.__version__) >= '2.0.0' and not hasattr(np, 'bool8'):
        np.bool8 = np.bool_
    if is_lite:
        install_stylegan_ops()
    install_lean_convolutions()
    name_own_configs()
    format_statements_once()
    warnings.filterwarnings('ignore', category=FutureWarning, module=r'diffusers\.')


def prepare_mmengine() -> bool:
    """Ready mmengine 0.10, mmcv 2 and albumentations 1.4, whose versions were checked.

    Returns:
        Whether mmcv is mmcv-lite.
    """
    lighten_mmengine()
    # Imported now: these import packages whose versions had to be checked first.
    from mmfncontra.checkpoints.safe_globals import allow_training_checkpoints

    from .mmcv_ops import install_mmcv_ops

    os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')
    allow_training_checkpoints()
    # mmengine asks it which packages are installed, once per training.
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated as an API')
    return install_mmcv_ops()
