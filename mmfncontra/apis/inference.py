"""A trained generator from a checkpoint."""

from pathlib import Path

import torch
from mmengine.device import get_device
from torch import nn

from mmfncontra.checkpoints.file import load_checkpoint_file
from mmfncontra.config.build_errors import explain_build_errors
from mmfncontra.config.components import import_custom_modules
from mmfncontra.config.load import load_config
from mmfncontra.config.size import set_size
from mmfncontra.models.sampling import calibrate_batchnorm
from mmfncontra.registry import build_model
from mmfncontra.utils.files import expand_home
from mmfncontra.utils.one_line import one_line

_EMA, _PLAIN = 'generator_ema.module.', 'generator.'


def find_config(checkpoint: str | Path) -> Path:
    """The config that a training wrote into the folder of its checkpoints.

    Args:
        checkpoint: Path of the checkpoint.

    Returns:
        The only ``.py`` file beside it.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If there are several.
    """
    folder = expand_home(checkpoint).parent
    configs = sorted(folder.glob('*.py'))
    if not configs:
        raise FileNotFoundError(
            f'no config beside the checkpoint in {folder}; name the one it was trained with: '
            '--config FILE'
        )
    if len(configs) > 1:
        names = ', '.join(path.name for path in configs)
        raise ValueError(f'several configs in {folder} ({names}); name one: --config FILE')
    return configs[0]


def find_device(device: str | None) -> str:
    """A device that can be used.

    Args:
        device: Such as ``'cuda:1'``; None takes a GPU where there is one.

    Returns:
        The device.

    Raises:
        ValueError: If torch does not know it, or it is not there.
    """
    if device is None:
        return get_device()
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = one_line(error, 200)
        raise ValueError(
            f"device {device!r} cannot be used: take 'cpu', or 'cuda' where there is a GPU "
            f'({reason})'
        ) from error
    return device


def _generator_state(state: dict, path: str | Path, use_ema: bool) -> dict:
    prefix = _EMA if use_ema else _PLAIN
    weights = {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
    if not weights:
        kind, other = ('EMA', '--no-ema') if use_ema else ('plain', 'the EMA weights')
        raise ValueError(f'{path} holds no {kind} weights of the generator; try {other}')
    return weights


def load_generator(
    checkpoint: str | Path,
    config: str | Path | None = None,
    device: torch.device | str = 'cpu',
    use_ema: bool = True,
    calibrate: bool = True,
    size: int | str | None = None,
) -> nn.Module:
    """Build the generator of a checkpoint, in evaluation mode.

    Only ``model.generator`` of the config is built. The config is a file beside the checkpoint or
    one that is named; the text inside the checkpoint is never executed.

    Args:
        checkpoint: A ``.pth`` file of a training.
        config: Config it was trained with; default the one that training
            wrote beside it.
        device: Where the generator goes.
        use_ema: Take the moving average of the weights instead of the last ones.
        calibrate: Re-estimate the BatchNorm statistics, see :func:`calibrate_batchnorm`.
        size: Side in pixels it was trained at; default the config's.

    Returns:
        The generator, in evaluation mode.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint is unusable or does not fit the config.
    """
    state = load_checkpoint_file(checkpoint)['state_dict']
    weights = _generator_state(state, checkpoint, use_ema)
    config = find_config(checkpoint) if config is None else Path(config)
    cfg = load_config(config)
    set_size(cfg, size)
    import_custom_modules(cfg)
    model = cfg.get('model') or {}
    if 'generator' not in model:
        raise ValueError(f'config {config} has no model.generator')
    with explain_build_errors(cfg):
        generator = build_model(model.generator)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f'the weights in {checkpoint} do not fit the generator of {config}: {one_line(error)}'
        ) from error
    generator = generator.to(device).eval().requires_grad_(False)
    return calibrate_batchnorm(generator) if calibrate else generator
