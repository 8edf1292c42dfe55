"""Published FastGAN and FNContra checkpoints as state dicts of this package's networks."""

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from .fastgan_discriminator import FastGANDiscriminator
from .fastgan_generator import FastGANGenerator

_GENERATOR_NAMES = (
    (r'init\.init\.', 'initial.'),
    (r'feat_(\d+)\.', r'up_\1.'),
    (r'se_(\d+)\.main\.', r'skip_\1.gate.'),
    (r'to_128\.', 'to_small.'),
    (r'to_big\.', 'to_big.'),
)
# The published discriminator counts strides of a 512-pixel trunk, this package resolutions.
_DISCRIMINATOR_NAMES = (
    (r'down_from_big\.', 'stem.'),
    *((rf'down_{stride}\.', f'down_{512 // stride}.') for stride in (4, 8, 16, 32, 64)),
    *(
        (rf'se_{low}_{high}\.main\.', f'excite_{512 // high}.gate.')
        for low, high in ((2, 16), (4, 32), (8, 64))
    ),
    (r'down_from_small\.0\.', 'small.0.'),
    (r'down_from_small\.(\d+)\.main\.', r'small.\1.'),
    (r'rf_(big|small)\.', r'logits_\1.'),
    (r'decoder_big\.main\.', 'decoder_last.'),
    (r'decoder_small\.main\.', 'decoder_small.'),
    (r'decoder_part\.main\.', 'decoder_quadrant.'),
)
_HEAD = 'project_feat_last.'
_HEAD_MEMBERS = (
    '0.weight',
    '3.weight',
    *(
        f'{norm}.{leaf}'
        for norm in (1, 4)
        for leaf in ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    ),
)
_BUFFERS = ('weight_u', 'weight_v', 'running_mean', 'running_var', 'num_batches_tracked')


def convert_fastgan(
    checkpoint: Mapping, contrast: bool = False, drop: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Rename a published FastGAN or FNContra checkpoint to the state of a `LimitedDataGAN`.

    The published file is a dict with the generator's state as ``'g'``, the discriminator's as
    ``'d'`` and, in files meant for resuming, the averaged generator as ``'g_ema'``: a list of its
    parameters in the order of ``'g'``. Its buffers are those of ``'g'``, as in training, where
    they are copied. A file without the list gives ``'g'`` to both generators. Optimiser states are
    left out. Names may carry the ``module.`` of a parallel wrapper.

    Args:
        checkpoint: What the file holds.
        contrast: Whether the discriminator carries FNContra's contrastive head; it then goes to
            ``discriminator.backbone.`` and ``discriminator.head.``, else to ``discriminator.``.
        drop: Beginnings of names to leave out, such as the fixed wavelet filters that some
            published discriminators hold.

    Returns:
        State dict with ``generator.``, ``generator_ema.`` and ``discriminator.`` names; its
        tensors are the checkpoint's own, not copies. ``generator_ema.steps`` is 1, so that
        training continues the average instead of restarting it.

    Raises:
        ValueError: If a part, a parameter or its shape is missing, unknown or other than in the
            network of that size.
    """
    generator, discriminator = (_network_state(checkpoint, key) for key in 'gd')
    averaged = _averaged(checkpoint.get('g_ema'), generator)
    size = fastgan_size(generator)
    drop = tuple(drop)
    generator, averaged, discriminator = (
        {name: value for name, value in state.items() if not name.startswith(drop)}
        for state in (generator, averaged, discriminator)
    )
    has_head = any(name.startswith(_HEAD) for name in discriminator)
    if has_head and not contrast:
        raise ValueError(
            'contrast must be True: the discriminator carries a contrastive head '
            f'({_HEAD}*); drop those names to convert the rest without it'
        )

    # Built without storage, the networks say which names and shapes there have to be.
    with torch.device('meta'):
        wanted_g = _shapes(FastGANGenerator(size))
        wanted_d = _shapes(FastGANDiscriminator(size))
    head_names = ()
    if contrast:
        wanted_d = {f'backbone.{name}': shape for name, shape in wanted_d.items()}
        wanted_d |= {f'head.projector.{member}': None for member in _HEAD_MEMBERS}
        head_names = ((re.escape(_HEAD), 'head.projector.'),)
    prefix = 'backbone.' if contrast else ''
    d_names = (*((old, prefix + new) for old, new in _DISCRIMINATOR_NAMES), *head_names)

    parts = {
        'generator.': _rename(generator, _GENERATOR_NAMES, wanted_g, 'generator'),
        'generator_ema.module.': _rename(averaged, _GENERATOR_NAMES, wanted_g, 'generator'),
        'discriminator.': _rename(discriminator, d_names, wanted_d, 'discriminator'),
    }
    state = {part + name: v for part, members in parts.items() for name, v in members.items()}
    state['generator_ema.steps'] = torch.tensor(1)
    return state


def fastgan_size(generator: Mapping) -> int:
    """Side in pixels, 256, 512 or 1024, that a published generator's state draws images of."""
    names = tuple(name.removeprefix('module.') for name in generator)
    for size in (1024, 512, 256):
        if any(name.startswith(f'feat_{size}.') for name in names):
            return size
    raise ValueError(
        f'generator: not a FastGAN of 256, 512 or 1024 pixels, its names are {_few(names)}'
    )


def _network_state(checkpoint: Mapping, key: str) -> dict[str, Tensor]:
    state = checkpoint.get(key) if isinstance(checkpoint, Mapping) else None
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(v, Tensor) for name, v in state.items()
    ):
        held = _few(checkpoint) if isinstance(checkpoint, Mapping) else type(checkpoint).__name__
        raise ValueError(
            "checkpoint must hold the state dicts 'g' (generator) and 'd' (discriminator): "
            f'no such {key!r} among {held}'
        )
    return {name.removeprefix('module.'): value for name, value in state.items()}


def _averaged(parameters: Sequence[Tensor] | None, generator: dict) -> dict[str, Tensor]:
    if parameters is None:
        return generator
    names = [name for name in generator if not name.endswith(_BUFFERS)]
    if not isinstance(parameters, Sequence) or not all(isinstance(p, Tensor) for p in parameters):
        raise ValueError("'g_ema' must be a list of tensors")
    if [p.shape for p in parameters] != [generator[name].shape for name in names]:
        raise ValueError(
            f"'g_ema' must list the generator's {len(names)} parameters in order: "
            f'its {len(parameters)} tensors have other shapes'
        )
    return generator | dict(zip(names, parameters, strict=True))


def _shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in network.state_dict().items()}


def _rename(state: dict, names: Sequence[tuple], wanted: dict, network: str) -> dict[str, Tensor]:
    renamed, unknown = {}, []
    for name, value in state.items():
        for pattern, replacement in names:
            new, matched = re.subn(f'^{pattern}', replacement, name)
            if matched:
                break
        if not matched or new not in wanted:
            unknown.append(name)
        elif wanted[new] not in (None, value.shape):
            raise ValueError(
                f'{network}: {name} must have the shape {tuple(wanted[new])}, '
                f'got {tuple(value.shape)}'
            )
        else:
            renamed[new] = value
    missing = [name for name in wanted if name not in renamed]
    if unknown or missing:
        problems = (('unknown in the checkpoint', unknown), ('missing (our names)', missing))
        raise ValueError(
            f'{network}: '
            + '; '.join(f'{what}: {_few(which)}' for what, which in problems if which)
        )
    return renamed


def _few(names: Iterable[str], count: int = 3) -> str:
    names = [str(name) for name in names]
    more = len(names) - count
    return (', '.join(names[:count]) or 'nothing') + (f' and {more} more' if more > 0 else '')
