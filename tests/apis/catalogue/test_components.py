import re

import pytest
import torch
from commands import CONFIGS, ROOT
from mmengine import Config
from torch import nn

from mmfncontra.apis.catalogue import components
from mmfncontra.config.load import load_config
from mmfncontra.models.contrasts import SelfInformationWeight
from mmfncontra.models.losses import ContrastiveObjective
from mmfncontra.registry import MODELS

PAGE = (ROOT / 'docs/components.md').read_text()


def snippets():
    """Of each choice the name and the code."""
    blocks = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
    return re.findall(r'# ([^:\n]+): [^\n]+\n(.*?)(?=\n# |\n\Z)', '\n'.join(blocks), re.DOTALL)


def test_page_is_what_the_tool_prints():
    assert components.describe_components(CONFIGS) == PAGE


def test_every_component_is_listed():
    MODELS.get('InfoNCE')  # imports the packages
    listed = {choice.component for choice in components.CHOICES} | {'DWCLLoss'}
    acting = {
        name
        for name, kind in MODELS.module_dict.items()
        if hasattr(kind, 'acts_on')
        or (isinstance(kind, type) and issubclass(kind, ContrastiveObjective))
    }
    assert acting | {SelfInformationWeight.__name__, 'DWCLLoss'} == listed
    for name in components.RESTORATION:
        assert f'`{name}`' in PAGE


def test_every_choice_has_a_snippet():
    assert [name for name, _ in snippets()] == [str(choice) for choice in components.CHOICES]


@pytest.mark.parametrize(('name', 'code'), snippets())
def test_snippet_is_its_choice_over_fncontra(name, code, tmp_path):
    choice = next(c for c in components.CHOICES if str(c) == name)
    if choice.config:
        file = CONFIGS / choice.config
        assert code in file.read_text()
    else:
        file = tmp_path / 'mine.py'
        base = str(CONFIGS / 'fncontra/fastgan_shells.py')
        file.write_text(f'_base_ = {base!r}\n{code}\n')
    contrast = load_config(file).model.contrast.to_dict()
    expected = components._compose(components._contrasts(CONFIGS), (choice,))
    if name == 'InfoNCE':  # which FNContra's config does not name
        expected['dwcl']['objective'] = dict(type='InfoNCE')
    assert contrast == expected
    MODELS.build(dict(contrast, _scope_='mmfncontra'))


def test_fixed_weights_are_not_moved():
    choice = next(c for c in components.CHOICES if c.config)
    hooks = load_config(CONFIGS / choice.config).custom_hooks
    moving = load_config(CONFIGS / 'fncontra/fastgan_shells.py').custom_hooks
    assert [h for h in moving if h not in hooks] == [dict(type='DynamicWeightHook')]


@pytest.mark.parametrize('changes', components.REFUSED, ids=str)
def test_mistakes_are_refused_at_construction(changes):
    contrast = components._contrasts(CONFIGS)['fncontra']
    for key, value in changes.items():
        components.set_nested(contrast, key, value)
    with pytest.raises(ValueError) as error:
        MODELS.build(dict(contrast, _scope_='mmfncontra'))
    assert f'| {error.value} |' in PAGE and '\n' not in str(error.value)


def test_a_choice_that_does_not_fit_is_found(monkeypatch):
    class Picky(nn.Module):
        LEVELS = ('odd',)

        def forward(self, images):
            raise ValueError('images must be odd')

    monkeypatch.setitem(MODELS.module_dict, 'Picky', Picky)
    contrast = Config.fromfile(CONFIGS / '_base_/contrast/fncontra.py').contrast.to_dict()
    assert components._try(contrast) == ''
    assert components._try(dict(contrast, negatives=dict(type='Picky'))) == 'images must be odd'


def test_trying_leaves_the_random_numbers_alone():
    before = torch.get_rng_state()
    components.try_choices(CONFIGS)
    assert torch.equal(torch.get_rng_state(), before)
