"""What of the configs can be combined, found out by trying."""

import copy
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmfncontra.config.components import import_custom_modules
from mmfncontra.config.load import load_config
from mmfncontra.models.layers import AdaptiveStrength
from mmfncontra.models.network_facts import out_size
from mmfncontra.registry import MODELS
from mmfncontra.utils.rng import isolated_rng

from .nested_keys import get_nested, set_nested

# Where each baseline comes from, and what makes it small enough to try.
_FASTGAN = {
    **{'generator.out_size': 64, 'generator.base_channels': 4},
    **{'discriminator.in_size': 64, 'discriminator.base_channels': 4},
}
BASELINES: dict[str, tuple[str, dict[str, Any]]] = {
    'FastGAN': (
        'fastgan/fastgan-offline_64.py',
        _FASTGAN,
    ),
    'FastGAN-Dbig': (
        'chain/fastgan-dbig-chain-offline.py',
        {**_FASTGAN, 'regularisers': {}},
    ),
    'StyleGAN2': (
        'stylegan2-ada/stylegan2-ada_64.py',
        {
            'generator.out_size': 32,
            'generator.style_channels': 8,
            'generator.num_mlps': 1,
            'discriminator.in_size': 32,
            'disc_auxiliary_losses': {},
            'gen_auxiliary_losses': {},
        },
    ),
    'Projected': (
        'projected/projected-cpu_64.py',
        {
            'generator.base_channels': 4,
            'discriminator.mix_channels': 4,
            'discriminator.feature_size': 64,
        },
    ),
    'DCGAN': (
        'dcgan/dcgan.py',
        {'generator.base_channels': 32, 'discriminator.base_channels': 4},
    ),
    'SAGAN': (
        'sagan/sagan.py',
        {'generator.base_channels': 8, 'discriminator.base_channels': 8},
    ),
}
# Where each addition comes from: the config that has it, and the keys of its model it consists of.
ADDITIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    'FNContra': ('fncontra/fastgan_64.py', ('contrast',)),
    'DiffAugment': ('fastgan/fastgan_64.py', ('augment',)),
    'ADA': ('fastgan-ada/fastgan-ada_64.py', ('augment',)),
    'APA': ('apa/fastgan-apa_shells.py', ('pseudo_real',)),
    'R1': ('stylegan2-ada/stylegan2-ada_64.py', ('disc_auxiliary_losses.r1',)),
    'path lengths': ('stylegan2-ada/stylegan2-ada_64.py', ('gen_auxiliary_losses.path',)),
    'LeCam': ('lecam/fastgan-lecam_shells.py', ('disc_auxiliary_losses.lecam',)),
    'NICE': ('nice/fastgan-nice_shells.py', ('regularisers.nice',)),
    'CHAIN': ('chain/fastgan-dbig-chain_shells.py', ('regularisers.chain',)),
    'FreezeD': ('stylegan2-ada/stylegan2-ada-freezed_256.py', ('freeze_disc',)),
    'reconstruction': ('fastgan/fastgan-offline_64.py', ('disc_auxiliary_losses.rec',)),
}


def find_combinations(configs: Path) -> tuple[dict[tuple[str, str], str], dict[tuple, str]]:
    """Try every addition on every baseline, and every two additions on one that takes both.

    The networks are built small; each combination makes one step on random images, in which every
    lazy loss is due and every strength is 0.5.

    Args:
        configs: The folder ``configs``.

    Returns:
        By (addition, baseline), and by (baseline, addition, addition), the error of those that do
        not combine; an empty text for the others.
    """
    import_custom_modules(load_config(configs / BASELINES['FastGAN'][0]))
    with isolated_rng(0):
        single = {
            (addition, baseline): _try(configs, baseline, addition)
            for addition in ADDITIONS
            for baseline in BASELINES
        }
        pairs = {}
        for one, other in combinations(ADDITIONS, 2):
            if _key(one) == _key(other):
                continue  # two augmentations are one choice
            takes_both = (b for b in BASELINES if not single[one, b] and not single[other, b])
            baseline = next(takes_both, None)
            if baseline is not None:
                pairs[baseline, one, other] = _try(configs, baseline, one, other)
    return single, pairs


def describe_combinations(configs: Path) -> str:
    """What :func:`find_combinations` finds, as a page of Markdown.

    Args:
        configs: The folder ``configs``.
    """
    single, pairs = find_combinations(configs)
    lines = [
        '# What can be combined',
        '',
        'Written by `python tools/list_combinations.py`, which builds each combination of parts of',
        'the configs in small and makes a training step with it.',
        '',
        f'| | {" | ".join(BASELINES)} |',
        f'|---|{"---|" * len(BASELINES)}',
    ]
    refusals: dict[str, int] = {}
    for addition in ADDITIONS:
        cells = []
        for baseline in BASELINES:
            error = single[addition, baseline]
            cells.append(
                f'no ({refusals.setdefault(error, len(refusals) + 1)})' if error else 'yes'
            )
        lines.append(f'| {addition} | {" | ".join(cells)} |')
    lines += ['', 'The refusals:', '']
    lines += [f'{number}. `{error}`' for error, number in refusals.items()]
    lines += [
        '',
        'Any two additions that a baseline takes go together, except:',
        '',
    ]
    lines += [
        f'* {one} with {other}: `{error}`' for (_, one, other), error in pairs.items() if error
    ]
    lines += [
        '',
        'Where each comes from:',
        '',
        '| | key of `model` | for example in |',
        '|---|---|---|',
    ]
    for addition, (config, keys) in ADDITIONS.items():
        lines.append(
            f'| {addition} | {", ".join(f"`{key}`" for key in keys)} | `configs/{config}` |'
        )
    return '\n'.join(lines) + '\n'


def _key(addition: str) -> str:
    return ADDITIONS[addition][1][0]


def _try(configs: Path, baseline: str, *additions: str) -> str:
    """The error of a combination, or an empty text."""
    model = _small_model(configs, baseline)
    for addition in additions:
        config, keys = ADDITIONS[addition]
        source = load_config(configs / config).model.to_dict()
        for key in keys:
            set_nested(model, key, copy.deepcopy(get_nested(source, key)))
    if model.get('freeze_disc'):
        model['freeze_disc'] = 1  # small networks have few layers
    try:
        gan = MODELS.build({**model, '_scope_': 'mmfncontra'}).train()
        _step(gan)
    except (ValueError, RuntimeError) as error:
        return str(error)
    return ''


def _small_model(configs: Path, baseline: str) -> dict:
    config, changes = BASELINES[baseline]
    model = load_config(configs / config).model.to_dict()
    model.update(augment=None, regularisers={})
    for key, value in changes.items():
        set_nested(model, key, copy.deepcopy(value))
    return model


def _step(gan: nn.Module) -> None:
    size = out_size(gan.generator)
    for strength in gan.modules():
        if isinstance(strength, AdaptiveStrength):
            strength.value.fill_(0.5)
    wrappers = {
        name: OptimWrapper(torch.optim.SGD(getattr(gan, name).parameters(), lr=0.0))
        for name in ('generator', 'discriminator')
    }
    images = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8)
    gan.train_step(dict(inputs=list(images)), OptimWrapperDict(**wrappers))
