"""The door to mmpretrain 1.2."""

import warnings
from functools import cache

from .prepare_mmagic import prepare_mmengine
from .versions import MMCV, REQUIREMENTS, check_version, installed_version, is_within

MMPRETRAIN = '>=1.2,<1.3'
_SHARED = ('torch', 'torchvision', 'numpy', 'mmengine')


@cache
def prepare_mmpretrain() -> None:
    """Ready an old mmpretrain (1.2, 2024) for today's packages. Call it before importing that.

    * the versions of mmpretrain and of what it shares with this package are checked; mmagic and
      what only mmagic needs may be absent;
    * mmengine is imported without transformers, see :func:`lighten_mmengine`;
    * albumentations 1.4, which mmpretrain imports where it is installed, is kept from asking the
      network for its newest version;
    * mmcv-lite gets a stand-in for its compiled operators, see :func:`install_mmcv_ops`: without it
      mmcv 2.0 and 2.1 warn of one that a Transformer layer would use. Full mmcv keeps its own;
    * checkpoints of mmengine 0.10 load with ``weights_only=True``, see
      :func:`allow_training_checkpoints`;
    * mmpretrain's ``ColorJitter`` has mmcv warn, in every worker, of the argument it uses rightly.
      That is silenced.

    No installed file is changed. Calling it again costs nothing.

    Raises:
        ImportError: If a package is missing or has a version that does not work.
    """
    for distribution in _SHARED:
        check_version(distribution, REQUIREMENTS[distribution])
    check_version('mmcv' if installed_version('mmcv') is not None else 'mmcv-lite', MMCV)
    found = installed_version('mmpretrain')
    if found is None or not is_within(found, MMPRETRAIN):
        state = 'it is not installed' if found is None else f'{found} is installed'
        raise ImportError(
            f'this needs mmpretrain{MMPRETRAIN}, but {state}: pip install '
            '-c requirements/constraints.txt -r projects/ssl/requirements.txt'
        )
    prepare_mmengine()
    warnings.filterwarnings('ignore', "Only use 'alpha' for pillow backend")
