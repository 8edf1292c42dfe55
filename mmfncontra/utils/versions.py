"""Which versions of other packages work together, checked before the first of them is imported."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from packaging.specifiers import SpecifierSet
from packaging.version import Version

# Distribution -> versions. What pip is told in setup.cfg, and why there is an upper bound:
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
    'mmengine': '>=0.10.4,<0.11',
    'mmagic': '>=1.2,<1.3',
    'lpips': '>=0.1.4',
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

# Their declared requirements bring further OpenCV packages, which overwrite each other in `cv2/`.
_WITHOUT_DEPENDENCIES = ('mmagic', 'mmengine', 'mmcv-lite')
# Needed by the above, declared by mmagic or mmengine, which are installed without dependencies.
_UNDECLARED = ('addict', 'click', 'imageio', 'requests', 'rich', 'termcolor', 'tqdm', 'yapf')


def installed_version(distribution: str) -> Version | None:
    """Version of an installed distribution, from its metadata (nothing is imported).

    Args:
        distribution: Name as pip knows it.

    Returns:
        None when it is not installed.
    """
    try:
        return Version(version(distribution))
    except PackageNotFoundError:
        return None


def _complaint(distribution: str, specifier: str, found: Version | None) -> str:
    state = 'it is not installed' if found is None else f'{found} is installed'
    option = '--no-deps ' if distribution in _WITHOUT_DEPENDENCIES else ''
    needed = f'{distribution}{specifier}'
    return f"mmfncontra needs {needed}, but {state}: pip install {option}'{needed}'"


def _check(distribution: str, specifier: str) -> Version:
    found = installed_version(distribution)
    if found is None or not SpecifierSet(specifier).contains(found, prereleases=True):
        raise ImportError(_complaint(distribution, specifier, found))
    return found


def check_versions() -> None:
    """Check that the packages which mmagic needs are there and fit together.

    Only installed metadata is read; nothing is imported.

    Raises:
        ImportError: In one sentence: the package, what is needed, what is installed and the
            command that mends it.
    """
    for distribution, specifier in REQUIREMENTS.items():
        _check(distribution, specifier)
    for distribution in _UNDECLARED:
        _check(distribution, '')
    if installed_version('mmcv') is not None:
        _check('mmcv', MMCV)
    else:
        _check('mmcv-lite', MMCV)
    if find_spec('cv2') is None:
        raise ImportError(_complaint('opencv-python-headless', '>=4.8', None))

    # torchvision's compiled operators work with one release of torch: 0.x with 2.(x - 15).
    torch, torchvision = installed_version('torch'), installed_version('torchvision')
    if torch.minor + 15 != torchvision.minor:
        raise ImportError(
            f'torchvision {torchvision} does not work with torch {torch}: pip install '
            f"'torch=={torch.major}.{torch.minor}.*' 'torchvision==0.{torch.minor + 15}.*'"
        )
