"""What can be contrasted with what: views × negatives × objective × weights, by trying."""

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmfncontra.config.load import load_config
from mmfncontra.models.contrasts import FNContra
from mmfncontra.models.losses import ContrastiveObjective, RestorationContrastLoss
from mmfncontra.registry import MODELS
from mmfncontra.utils.rng import isolated_rng

from .nested_keys import get_nested, set_nested

KINDS = {
    'view': 'Views: what the positive is',
    'negatives': 'Negatives: what the positive is told from',
    'objective': 'Objectives: how the two are contrasted',
    'weights': 'Weights: how much each level of the negatives counts',
}

_FIXED = 'fixed weights'

# These want many negatives.
_OBJECTIVE = ('dwcl.objective', 'dwcl.batch_negatives')

# How to write a part: the page's last words on parts.
_OWN_PARTS = """## A part of your own

A view is a registered module from images (B, C, H, W) to images of the same shape; negatives are
one from images to a dict of such by level, whose attribute `LEVELS` names these. Both may say their
`role` (`'view'` or `'negatives'`), which is checked, and `min_size`, the smallest side of an image.
With `acts_on = 'embeddings'` a view maps embeddings (B, E) to such, and negatives map
`(query, others, is_other)` to (B, M, E). An objective derives from `ContrastiveObjective` and has a
method `contrast`; with `needs_others = True` it is refused where there are no other images. Weights
take the number of `levels` and have a buffer `weight` of as many numbers and a method
`update(mean_cosines)`."""


@dataclass(frozen=True)
class Choice:
    """One way to fill a part of a contrast.

    Attributes:
        kind: One of :data:`KINDS`.
        component: Name of the registered component.
        base: The file of ``configs/_base_/contrast`` that has it.
        keys: What of that file's ``contrast`` it consists of.
        label: What the tables call it; default the component's name.
        what: In a sentence what it does; default the first one of the component's docstring.
        source: Where it is from; default what the component's docstring says.
        config: A whole config that has it, where that is not a matter of ``keys``.
    """

    kind: str
    component: str
    base: str
    keys: tuple[str, ...]
    label: str = ''
    what: str = ''
    source: str = ''
    config: str = ''

    def __str__(self) -> str:
        return self.label or self.component


CHOICES = (
    Choice('view', 'RandomView', 'fncontra', ('view',)),
    Choice('view', 'RandomMasking', 'masking', ('view',)),
    Choice('view', 'HighBoostView', 'pcl', ('view',)),
    Choice('view', 'FeatureMixing', 'mixing', ('view',)),
    Choice('negatives', 'FrequencyNegatives', 'fncontra', ('negatives',)),
    Choice('negatives', 'LowPassNegatives', 'pcl', ('negatives',)),
    Choice(
        'negatives',
        'DWCLLoss',
        'many-negatives',
        ('dwcl.batch_negatives',),
        'the batch',
        "The positives of the batch's other images, of all ranks with ``gather=True``.",
        'Chen et al., ICML 2020 (SimCLR).',
    ),
    Choice(
        'negatives',
        'DWCLLoss',
        'many-negatives',
        ('dwcl.queue_size',),
        'a queue',
        'The positives of past images.',
        'He et al., CVPR 2020 (MoCo).',
    ),
    Choice('negatives', 'SyntheticNegatives', 'sscl', ('negatives', 'dwcl.batch_negatives')),
    Choice('objective', 'InfoNCE', 'fncontra', ()),
    Choice('objective', 'DCL', 'dcl', _OBJECTIVE),
    Choice('objective', 'DCLW', 'dclw', _OBJECTIVE),
    Choice('objective', 'DebiasedInfoNCE', 'debiased', _OBJECTIVE),
    Choice('weights', 'SelfInformationWeight', 'fncontra', ('weights',)),
    Choice(
        'weights',
        'SelfInformationWeight',
        'fncontra',
        ('weights',),
        _FIXED,
        'The same without `DynamicWeightHook`, the third line of a config: `init`, 0.5 each.',
        'Published code of FNContra.',
        'fncontra/ablations/fastgan_shells_fixed-weight.py',
    ),
)
# Of a contrast for restoration, which is no FNContra.
RESTORATION = ('RestorationContrastLoss', 'FrequencyDiscriminator')
# What is refused, as changes to FNContra's config.
REFUSED: tuple[dict[str, Any], ...] = (
    {'dwcl.objective': dict(type='DebiasedInfoNCE')},
    {'negatives': [dict(type='FrequencyNegatives'), dict(type='SyntheticNegatives')]},
    {'negatives': [dict(type='FrequencyNegatives'), dict(type='FrequencyNegatives')]},
    {'view': [dict(type='FeatureMixing')]},
    {'view': [dict(type='RandomView'), dict(type='FeatureMixing')], 'dwcl': None},
    {'negatives': dict(type='RandomView')},
    {'view': [dict(type='RandomView'), dict(type='SyntheticNegatives')]},
    {'dwcl': dict(type='InfoNCE')},
    {'weights.levels': 2},
    {'dwcl.gather': True},
    {'dwcl.objective': dict(type='GWCLLoss')},
    {'dwcl.objective': dict(type='DCL', temperature=0.1)},
)


def try_choices(configs: Path) -> dict[tuple[Choice, ...], str]:
    """Try every choice of a view, negatives, an objective and weights together.

    Each is built and contrasts the embeddings of random images in a small network.

    Args:
        configs: The folder ``configs``.

    Returns:
        By the choices, in the order of :data:`KINDS`, the error of those that do not go together;
        an empty text for the others.
    """
    contrasts = _contrasts(configs)
    by_kind = [[choice for choice in CHOICES if choice.kind == kind] for kind in KINDS]
    with isolated_rng(0):
        return {
            choices: _try(_compose(contrasts, choices), moves=choices[-1].label != _FIXED)
            for choices in product(*by_kind)
        }


def describe_components(configs: Path) -> str:
    """All components of contrasts, with what goes together, as a page of Markdown.

    Args:
        configs: The folder ``configs``.
    """
    tried = try_choices(configs)
    lines = [
        '# Ways to contrast',
        '',
        'Written by `python tools/list_components.py --out docs/components.md`, which tries every',
        'combination of a view, negatives, an objective and weights. The configs below stand on an',
        'FNContra config, for example `configs/fncontra/fastgan_shells.py`; several go into one',
        '`model`. On the command line, and on a CPU, one of them is',
        '',
        '    python tools/train.py configs/fncontra/fastgan_demo.py --cfg-options \\',
        '        model.contrast.dwcl.objective.type=DCL model.contrast.dwcl.batch_negatives=True',
        '',
        'A contrast pulls the embedding of an image to that of a **view** of it and pushes it from',
        'those of **negatives**; the **objective** says by which function, and each level of the',
        'negatives has a **weight**. In a GAN the four are parts of `FNContra`; elsewhere they are',
        'modules on their own ([projects](../projects/README.md)). The levels of negatives made',
        'from images are also those of `GWCLLoss`, in the step of the generator.',
    ]
    reasons: dict[str, int] = {}
    for kind, title in KINDS.items():
        lines += [
            '',
            f'## {title}',
            '',
            '| | what it does | source | goes with |',
            '|---|---|---|---|',
        ]
        choices = [choice for choice in CHOICES if choice.kind == kind]
        for choice in choices:
            goes_with = _goes_with(choice, tried, reasons)
            name = f'`{choice}`' if not choice.label else str(choice)
            what = (choice.what or _first_sentence(choice.component)).replace('``', '`')
            lines.append(f'| {name} | {what} | {_source(choice)} | {goes_with} |')
        lines += ['', 'In a config:', '', '```python']
        lines += [line for choice in choices for line in _snippet(configs, choice)]
        lines.append('```')
    works = sum(not error for error in tried.values())
    lines += ['', f'{works} of {len(tried)} combinations work.', '']
    lines += [f'{number}. `{reason}`' for reason, number in reasons.items()]
    lines += ['', *_OWN_PARTS.splitlines()]
    lines += ['', '## For restoration', '', '| | what it does | source |', '|---|---|---|']
    for name in RESTORATION:
        lines.append(f'| `{name}` | {_first_sentence(name)} | {_docstring_source(name)} |')
    lines += ['', _restoration_objectives(), '']
    lines += ['## Mistakes', '', 'Each is refused when it is built, with this sentence:', '']
    lines += ['| `model.contrast` with | |', '|---|---|']
    for changes in REFUSED:
        change = ', '.join(f'{key}={_as_code(value)}' for key, value in changes.items())
        lines.append(f'| `{change}` | {_refusal(configs, changes)} |')
    return '\n'.join(lines) + '\n'


def _contrasts(configs: Path) -> dict[str, dict]:
    return {
        choice.base: load_config(configs / f'_base_/contrast/{choice.base}.py').contrast.to_dict()
        for choice in CHOICES
    }


def _compose(contrasts: Mapping[str, dict], choices: tuple[Choice, ...]) -> dict:
    contrast = copy.deepcopy(contrasts['fncontra'])
    for choice in choices:
        for key in choice.keys:
            value = get_nested(contrasts[choice.base], key)
            set_nested(contrast, key, copy.deepcopy(value))
    return contrast


class _Pooled(nn.Module):
    """A discriminator as small as can be."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.last = nn.Conv2d(8, 16, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.map(images)).mean(dim=(2, 3))


def _try(config: dict, moves: bool = True) -> str:
    """The error of a contrast, or an empty text; ``moves``: whether its weights do."""
    try:
        contrast = MODELS.build({**config, 'taps': ['map', 'last'], '_scope_': 'mmfncontra'})
        _step(contrast)
        if moves:
            contrast.weights.update(contrast.similarity)
    except ValueError as error:
        return str(error)
    return ''


def _step(contrast: FNContra) -> None:
    disc = contrast.wrap(_Pooled(), in_size=32)
    images = torch.rand(4, 3, 32, 32) * 2 - 1
    wanted = dict(embed=contrast.embeds, prototypes=contrast.uses_prototypes)
    _, embedding, prototypes = disc(images, **wanted)
    losses, _ = contrast.disc_loss(disc, images, embedding, prototypes)
    losses['loss_dwcl'].backward()


def _goes_with(
    choice: Choice, tried: Mapping[tuple[Choice, ...], str], reasons: dict[str, int]
) -> str:
    """With which choices of other kinds, in words; reasons are numbered as they come up."""
    exceptions = []
    for other in CHOICES:
        errors = [e for choices, e in tried.items() if choice in choices and other in choices]
        if other.kind != choice.kind and errors and all(errors):
            number = reasons.setdefault(errors[0], len(reasons) + 1)
            exceptions.append(f'{other if other.label else f"`{other}`"} ({number})')
    needs = getattr(MODELS.get(choice.component), 'needs_others', False)
    beside = ', with other images as negatives beside' if needs else ''
    return (f'all but {" and ".join(exceptions)}' if exceptions else 'all') + beside


def _snippet(configs: Path, choice: Choice) -> list[str]:
    """What of a choice's file it consists of, as a config, and a config that has it."""
    if choice.config:
        code = (configs / choice.config).read_text(encoding='utf-8').strip()
        code = '\n'.join(line for line in code.splitlines() if not line.startswith('#'))
        return [f'# {choice}: {configs.name}/{choice.config}', code]
    contrasts = _contrasts(configs)
    part: dict[str, Any] = {}
    for key in choice.keys:
        value = get_nested(contrasts[choice.base], key)
        replaced = contrasts['fncontra'].get(key)
        if isinstance(value, dict) and replaced and replaced['type'] != value['type']:
            value = {'_delete_': True, **value}  # or it would keep the other one's arguments
        set_nested(part, key, value)
    if not choice.keys:
        set_nested(part, 'dwcl.objective.type', choice.component)
    example = min(
        (
            path
            for path in sorted(configs.glob('*/fastgan*_shells.py'))
            if f'contrast/{choice.base}.py' in path.read_text(encoding='utf-8')
        ),
        key=lambda path: len(path.name),
    )
    where = example.relative_to(configs.parent).as_posix()
    return [f'# {choice}: {where}', f'model = {_as_code(dict(contrast=part))}']


def _as_code(value: Any, indent: int = 0) -> str:
    """A config value as Python, dicts as calls, broken where a line would be too long."""
    if isinstance(value, dict):
        opening, closing = 'dict(', ')'
        items = [f'{key}={_as_code(each, indent + 4)}' for key, each in value.items()]
    elif isinstance(value, list):
        opening, closing = '[', ']'
        items = [_as_code(each, indent + 4) for each in value]
    else:
        return repr(value)
    line = opening + ', '.join(items) + closing
    if indent + len(line) < 88 and '\n' not in line:
        return line
    margin = ' ' * (indent + 4)
    return '\n'.join([opening, *(f'{margin}{item},' for item in items), ' ' * indent + closing])


def _source(choice: Choice) -> str:
    return choice.source or _docstring_source(choice.component)


def _docstring_source(name: str) -> str:
    paragraphs = inspect.getdoc(MODELS.get(name)).split('\n\n')
    source = next(p for p in paragraphs if p.startswith('Source:'))
    return ' '.join(source.removeprefix('Source:').split())


def _first_sentence(name: str) -> str:
    return inspect.getdoc(MODELS.get(name)).split('\n\n')[0].replace('\n', ' ')


def _objectives() -> list[type[ContrastiveObjective]]:
    return [MODELS.get(c.component) for c in CHOICES if c.kind == 'objective']


def _restoration_objectives() -> str:
    takes, refuses = [], []
    for objective in _objectives():
        try:
            RestorationContrastLoss(objective=dict(type=f'mmfncontra.{objective.__name__}'))
            takes.append(f'`{objective.__name__}`')
        except ValueError as error:
            refuses.append(f'`{objective.__name__}`: {error}')
    text = f'`RestorationContrastLoss(objective=…)` takes {", ".join(takes)}'
    return text + (f', but not {"; ".join(refuses)}' if refuses else '') + '.'


def _refusal(configs: Path, changes: Mapping[str, Any]) -> str:
    contrast = _contrasts(configs)['fncontra']
    for key, value in changes.items():
        set_nested(contrast, key, copy.deepcopy(value))
    return _try(contrast)
