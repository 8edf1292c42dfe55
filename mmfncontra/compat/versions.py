"""Which versions of other packages work together, checked before the first of them is imported.

Nothing but the standard library is needed here: any package may be the one that is missing.
"""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from mmfncontra.utils.shipped import checkout

# Distribution -> versions, as in setup.cfg. Why there is an upper bound:
#   torch            < 2.6 loads checkpoints without `weights_only`; > 2.11 is untried
#   mmagic, mmengine 1.2 and 0.10 are the last releases the workarounds here were written for
#   diffusers        0.29 drops `models.unet_2d_condition`, which mmagic imports
#   huggingface-hub  0.26 drops `cached_download`, which diffusers below 0.29 imports
#   transformers     4.49 drops names that diffusers below 0.29 imports
#   albumentations   2 has another interface
REQUIREMENTS: dict[str, str] = {
    'torch': '>=2.6,<2.12',
    'torchvision': '>=0.21,<0.27',
    'numpy': '>=1.26,<3',
    'packaging': '>=22',
    'mmengine': '>=0.10.4,<0.11',
    'mmagic': '>=1.2,<1.3',
    'PyWavelets': '>=1.6',
    'pillow': '>=10',
    'matplotlib': '>=3.8',
    'tqdm': '>=4.66',
    'lpips': '>=0.1.4',
    'torch-fidelity': '>=0.4',
    'Jinja2': '>=3.1',
    'scipy': '>=1.11',
    'albumentations': '>=1.4,<2',
    'diffusers': '>=0.23,<0.29',
    'transformers': '>=4.27.4,<4.49',
    'huggingface-hub': '<0.26',
    'einops': '>=0.7',
    'pandas': '>=2',
    'resize-right': '>=0.0.2',
}
MMCV = '>=2.0,<2.2'
# Several distributions hold `cv2`, so that the module is what is looked for.
OPENCV, _OPENCV_MODULE = ('opencv-python-headless', '>=4.8'), 'cv2'

# Their declared requirements bring further OpenCV packages, which overwrite each other in `cv2/`.
_WITHOUT_DEPENDENCIES = ('mmagic', 'mmengine', 'mmcv-lite')
# Needed by the above, declared by mmagic or mmengine, which are installed without dependencies.
_UNDECLARED = (
    'addict',
    'click',
    'imageio',
    'pyyaml',
    'requests',
    'rich',
    'termcolor',
    'yapf',
)


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, from its metadata (nothing is imported).

    Args:
        distribution: Name as pip knows it.

    Returns:
        None when it is not installed.
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def release(text: str) -> tuple[int, ...]:
    """The numbers of a version without trailing zeros: '2.11.0+cpu' and '2.11rc1' are (2, 11).

    Args:
        text: A version.
    """
    numbers = [int(n) for n in re.match(r'[0-9.]*[0-9]|', text.strip())[0].split('.') if n]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def is_within(found: str, bounds: str) -> bool:
    """Whether a version is within bounds.

    Args:
        found: A version.
        bounds: Such as '>=2.6,<2.12'; '' takes any.
    """
    for bound in filter(None, bounds.split(',')):
        if bound.startswith('>='):
            within = release(found) >= release(bound[2:])
        else:
            within = release(found) < release(bound.removeprefix('<'))
        if not within:
            return False
    return True


def _complaint(distribution: str, bounds: str, found: str | None) -> str:
    state = 'it is not installed' if found is None else f'{found} is installed'
    option = '--no-deps ' if distribution in _WITHOUT_DEPENDENCIES else ''
    needed = f'{distribution}{bounds}'
    return f"mmfncontra needs {needed}, but {state}: pip install {option}'{needed}'{_or_all()}"


def _or_all() -> str:
    return '' if checkout() is None else ', or set everything up with: make install'


def check_version(distribution: str, bounds: str) -> None:
    """Check one distribution.

    Args:
        distribution: Name as pip knows it.
        bounds: Such as '>=2.6,<2.12'; '' takes any version.

    Raises:
        ImportError: If it is not installed or not within the bounds.
    """
    found = installed_version(distribution)
    if found is None or not is_within(found, bounds):
        raise ImportError(_complaint(distribution, bounds, found))


def check_versions() -> None:
    """Check that the packages which this one and mmagic need are there and fit together.

    Only installed metadata is read; nothing is imported.

    Raises:
        ImportError: In one sentence: the package, what is needed, what is installed and the
            commands that mend it.
    """
    for distribution, bounds in REQUIREMENTS.items():
        check_version(distribution, bounds)
    for distribution in _UNDECLARED:
        check_version(distribution, '')
    check_version('mmcv' if installed_version('mmcv') is not None else 'mmcv-lite', MMCV)
    if find_spec(_OPENCV_MODULE) is None:
        raise ImportError(_complaint(*OPENCV, None))

    # torchvision's compiled operators work with one release of torch: 0.x with 2.(x - 15).
    torch, torchvision = installed_version('torch'), installed_version('torchvision')
    major, minor = release(torch)[:2]
    if minor + 15 != release(torchvision)[1]:
        raise ImportError(
            f'torchvision {torchvision} does not work with torch {torch}: pip install '
            f"'torch=={major}.{minor}.*' 'torchvision==0.{minor + 15}.*'{_or_all()}"
        )
