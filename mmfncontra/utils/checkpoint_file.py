"""Reading checkpoints that may be anything."""

import zipfile
from pathlib import Path
from typing import Any

# The loaders of torch and pickle fail in many ways on a damaged or foreign file.
_DAMAGED = (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError)
# The first bytes of a zip file, and of torch's format before 1.6, in which mmagic publishes.
_ZIP, _BEFORE_ZIP = b'PK\x03\x04', b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19'


def _shorten(error: Exception) -> str:
    # torch wraps a refusal, its context, into advice to load the file without safety.
    text = str(error.__context__ or error).partition('Please use')[0]
    return ' '.join(text.split())[:160] or type(error).__name__


def _missing(path: Path) -> str:
    others = sorted(path.parent.glob('*.pth'), key=lambda p: p.stat().st_mtime)
    hint = f'; the newest one there is {others[-1].name}' if others else ''
    return f'checkpoint {path} does not exist{hint}'


def load_checkpoint_file(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint of a GAN onto the CPU, and say what is wrong with any other file.

    Only tensors, numbers, strings and the log history are read (``weights_only=True``): no code
    from the file runs.

    Args:
        path: A ``.pth`` file written by a training.

    Returns:
        The checkpoint; ``state_dict`` holds a model with a ``generator``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut short, is no checkpoint, holds other objects or another model.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(_missing(path))
    if path.is_dir():
        raise ValueError(f'checkpoint {path} is a folder; name a .pth file')
    with path.open('rb') as file:
        head = file.read(len(_BEFORE_ZIP))
    is_zip = head.startswith(_ZIP)
    if path.stat().st_size == 0 or (is_zip and not zipfile.is_zipfile(path)):
        raise ValueError(
            f'checkpoint {path} is cut short ({path.stat().st_size} bytes): saving or copying it '
            'was interrupted; take an earlier one'
        )
    if not (is_zip or head == _BEFORE_ZIP):
        raise ValueError(f'{path} is not a checkpoint: torch.save did not write it')
    # Imported now: it takes seconds, in which a mistyped path would wait.
    import torch

    from .safe_globals import allow_training_checkpoints

    allow_training_checkpoints()
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except _DAMAGED as error:
        raise ValueError(f'checkpoint {path} is damaged: {_shorten(error)}') from error
    except Exception as error:  # pickle.UnpicklingError: refused, by torch or by us
        raise ValueError(
            f'checkpoint {path} holds objects that are not loaded, since they could run code: '
            f'{_shorten(error)}'
        ) from error
    _check_contents(path, checkpoint)
    return checkpoint


def _check_contents(path: Path, checkpoint: object) -> None:
    wanted = "a checkpoint of tools/train.py has 'state_dict' with entries 'generator.*'"
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} holds a {type(checkpoint).__name__}; {wanted}')
    state = checkpoint.get('state_dict')
    if not isinstance(state, dict):
        keys = ', '.join(map(str, list(checkpoint)[:6])) or 'nothing'
        hint = (
            '; tools/model_converters/fastgan_to_mmfncontra.py converts published FastGAN weights'
            if {'g', 'd'} <= checkpoint.keys()
            else ''
        )
        raise ValueError(f"{path} has no 'state_dict' but {keys}; {wanted}{hint}")
    # A data-parallel wrapper may have been saved along.
    names = [str(name).removeprefix('module.') for name in state]
    if not any(name.startswith(('generator.', 'generator_ema.')) for name in names):
        found = ', '.join(sorted({name.partition('.')[0] for name in names})[:6]) or 'nothing'
        raise ValueError(f'{path} holds the weights of another model ({found}); {wanted}')


def load_resumable_file(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint from which a training can go on.

    Args:
        path: A ``.pth`` file written by a training.

    Returns:
        What :func:`load_checkpoint_file` returns, with ``meta``, ``message_hub`` and ``optimizer``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If :func:`load_checkpoint_file` refuses it, or it holds weights only.
    """
    checkpoint = load_checkpoint_file(path)
    missing = [key for key in ('meta', 'message_hub', 'optimizer') if key not in checkpoint]
    if not missing:
        missing = [f'meta.{key}' for key in ('epoch', 'iter') if key not in checkpoint['meta']]
    if missing:
        raise ValueError(
            f'{path} cannot be resumed: it lacks {", ".join(missing)}; to start anew from its '
            f'weights, use --cfg-options load_from={path}'
        )
    # mmengine 0.10 runs a text it finds there as a config; its own checkpoints have none.
    if 'config' in checkpoint['meta']:
        raise ValueError(f'{path} is not resumed: its meta holds a config to be executed')
    return checkpoint


def check_resumable(path: str | Path) -> None:
    """Check that a training can go on from a checkpoint, as :func:`load_resumable_file` does.

    Args:
        path: A ``.pth`` file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be resumed.
    """
    load_resumable_file(path)
