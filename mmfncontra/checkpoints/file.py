"""Reading a checkpoint file that may be anything: damaged, hostile, or of another model."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

from mmfncontra.utils.console import shell_line
from mmfncontra.utils.files import expand_home
from mmfncontra.utils.one_line import one_line

from .archive import BEFORE_ZIP, ZIP, check_archive, check_before_zip
from .pickle_check import MAX_DEPTH


def _shorten(error: Exception) -> str:
    # torch wraps a refusal, its context, into advice to load the file without safety.
    text = str(error if type(error) is ValueError else error.__context__ or error)
    text = text.partition('Please use')[0]
    return one_line(text) or type(error).__name__


def _missing(path: Path) -> str:
    others = sorted(path.parent.glob('*.pth'), key=lambda p: p.stat().st_mtime)
    hint = f'; the newest one there is {others[-1].name}' if others else ''
    return f'checkpoint {path} does not exist{hint}'


def load_checkpoint_file(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint of a GAN onto the CPU, and say what is wrong with any other file.

    Args:
        path: A ``.pth`` file written by a training.

    Returns:
        The checkpoint; ``state_dict`` holds tensors by name, a ``generator`` among them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If :func:`read_torch_file` refuses it, or it holds another model.
    """
    path = expand_home(path)
    checkpoint = read_torch_file(path)
    _check_contents(path, checkpoint)
    return checkpoint


def read_torch_file(path: str | Path) -> object:
    """Read a file that ``torch.save`` wrote onto the CPU. No code from it runs.

    Only tensors, numbers, strings, containers of them and the log history are read. Before torch
    sees it, the file is read once for its checksums, and what it would build is checked
    (:mod:`.pickle_check`): it takes no more memory than it has bytes.

    Args:
        path: The file.

    Returns:
        What it holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut short or damaged (in zip format, torch's since 1.6, down to one
            bit of a weight), was not written by torch, or holds other objects.
    """
    path = expand_home(path)
    if path.is_dir():
        raise ValueError(f'checkpoint {path} is a folder; name a .pth file')
    try:
        file = path.open('rb')
    except FileNotFoundError as error:
        raise FileNotFoundError(_missing(path)) from error
    except OSError as error:
        raise ValueError(f'checkpoint {path} cannot be read: {error.strerror}') from error
    # One handle for the checks and for torch: another file may take the name in between.
    with file:
        head = file.read(len(BEFORE_ZIP))
        is_zip = head.startswith(ZIP)
        size = os.fstat(file.fileno()).st_size
        if size == 0 or (is_zip and not zipfile.is_zipfile(file)):
            raise ValueError(
                f'checkpoint {path} is cut short ({size} bytes): saving or copying it was '
                'interrupted; take an earlier one'
            )
        if not (is_zip or head == BEFORE_ZIP):
            raise ValueError(f'{path} is not a checkpoint: torch.save did not write it')
        try:
            (check_archive if is_zip else check_before_zip)(file)
            # Imported now: it takes seconds, in which a mistyped path would wait.
            import torch

            from .safe_globals import allow_training_checkpoints

            allow_training_checkpoints()
            file.seek(0)
            content = torch.load(file, map_location='cpu', weights_only=True)
            _check_nesting(content)
        except MemoryError:
            raise
        except pickle.UnpicklingError as error:  # refused, by torch or by us
            raise ValueError(
                f'checkpoint {path} holds objects that are not loaded, since they could run code: '
                f'{_shorten(error)}'
            ) from error
        # torch fails in many ways on a damaged file.
        except Exception as error:
            raise ValueError(f'checkpoint {path} is damaged: {_shorten(error)}') from error
    return content


def _check_nesting(content: object) -> None:
    """Refuse what is nested deeper than copying and comparing stand, or contains itself."""
    heights: dict[int, int] = {}

    def height(value: object, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise ValueError(f'its values are nested deeper than {MAX_DEPTH}')
        if isinstance(value, dict):
            parts = dict.values(value)
        elif isinstance(value, list | tuple):
            parts = value
        else:
            return 0
        if id(value) not in heights:
            heights[id(value)] = 1 + max((height(part, depth + 1) for part in parts), default=0)
        if depth + heights[id(value)] > MAX_DEPTH + 1:
            raise ValueError(f'its values are nested deeper than {MAX_DEPTH}')
        return heights[id(value)]

    height(content, 0)


def _check_contents(path: Path, checkpoint: object) -> None:
    wanted = "a checkpoint of a training has 'state_dict' with entries 'generator.*'"
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} holds a {type(checkpoint).__name__}; {wanted}')
    state = checkpoint.get('state_dict')
    if not isinstance(state, dict):
        keys = ', '.join(map(str, list(checkpoint)[:6])) or 'nothing'
        hint = (
            "; 'mmfncontra convert-fastgan' converts published FastGAN weights"
            if {'g', 'd'} <= checkpoint.keys()
            else ''
        )
        raise ValueError(f"{path} has no 'state_dict' but {keys}; {wanted}{hint}")
    # A data-parallel wrapper may have been saved along.
    names = [str(name).removeprefix('module.') for name in state]
    if not any(name.startswith(('generator.', 'generator_ema.')) for name in names):
        found = ', '.join(sorted({name.partition('.')[0] for name in names})[:6]) or 'nothing'
        raise ValueError(f'{path} holds the weights of another model ({found}); {wanted}')
    import torch

    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            kind = type(value).__name__
            raise ValueError(
                f"{path} has a {kind} as {str(name)[:80]!r} of 'state_dict': not a tensor by name"
            )


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
    parts = ('meta', 'message_hub', 'optimizer')
    missing = [key for key in parts if key not in checkpoint]
    for key in parts:
        if key in checkpoint and not isinstance(checkpoint[key], dict):
            raise _wrong(path, key, 'a dict', checkpoint[key])
    if not missing:
        missing = [f'meta.{key}' for key in ('epoch', 'iter') if key not in checkpoint['meta']]
    if missing:
        raise _unusable(path, f'it lacks {", ".join(missing)}')
    # mmengine 0.10 runs a text it finds there as a config; its own checkpoints have none.
    if 'config' in checkpoint['meta']:
        raise ValueError(f'{path} is not resumed: its meta holds a config to be executed')
    for key in ('epoch', 'iter'):
        value = checkpoint['meta'][key]
        if type(value) is not int or not 0 <= value < 2**62:
            raise _wrong(path, f'meta.{key}', 'a number of iterations', value)
    for key, value in checkpoint['message_hub'].items():
        if not isinstance(value, dict):
            raise _wrong(path, f'message_hub.{key}', 'a dict', value)
    _check_optimizers(path, checkpoint['optimizer'])
    return checkpoint


def load_from_option(path: str | Path) -> str:
    """What to write on a command line to start from the weights of a checkpoint.

    Args:
        path: The file, of any name.
    """
    path = str(path)
    word = f'"{path}"' if set(path) & set(' ,()[]') else path
    return f'--cfg-options {shell_line(f"load_from={word}")}'


def _unusable(path: str | Path, problem: str) -> ValueError:
    return ValueError(
        f'{path} cannot be resumed: {problem}; to start anew from its weights, use '
        f'{load_from_option(path)}'
    )


def _wrong(path: str | Path, key: str, wanted: str, found: object) -> ValueError:
    shown = f'{found}'[:40] if isinstance(found, int | float | str) else 'another value'
    return _unusable(path, f'its {key} must be {wanted}, got {type(found).__name__} ({shown})')


def _check_optimizers(path: str | Path, state: dict) -> None:
    # One optimizer, or several by name.
    optimizers = {'optimizer': state}
    if 'param_groups' not in state:
        optimizers = {f'optimizer.{name}': part for name, part in state.items()}
    for key, part in optimizers.items():
        if not isinstance(part, dict):
            raise _wrong(path, key, 'a dict', part)
        if not isinstance(part.get('state'), dict):
            raise _wrong(path, f'{key}.state', 'a dict', part.get('state'))
        groups = part.get('param_groups')
        if not isinstance(groups, list) or not all(
            isinstance(group, dict) and isinstance(group.get('params'), list) for group in groups
        ):
            raise _wrong(path, f'{key}.param_groups', 'a list of dicts with params', groups)
