import re
from pathlib import Path

import pytest
import torch
from mmengine import Config
from torch import nn

from mmfncontra.apis import components
from mmfncontra.apis.config import load_config
from mmfncontra.models.contrasts import SelfInformationWeight
from mmfncontra.models.losses import ContrastiveObjective
from mmfncontra.registry import MODELS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/components.md').read_text()


def snippets():
    """Of each choice the name and the code."""
    blocks = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
    return re.findall(r'# ([^:\n]+): [^\n]+\n(.*?)(?=\n# |\n\Z)', '\n'.join(blocks), re.DOTALL)


def test_page_is_what_the_tool_prints():
    assert components.describe_components(ROOT / 'configs') == PAGE


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
def test_snippet_builds_over_fncontra(name, code, tmp_path):
    base = ROOT / 'configs/fncontra/fastgan_shells.py'
    needs = "model['contrast'].setdefault('dwcl', {})['batch_negatives'] = True\n"
    file = tmp_path / 'mine.py'
    file.write_text(f'_base_ = {str(base)!r}\n{code}\n{needs}')
    contrast = load_config(file).model.contrast
    built = MODELS.build(dict(contrast, _scope_='mmfncontra'))
    choice = next(c for c in components.CHOICES if str(c) == name)
    kinds = {type(module).__name__ for module in built.modules()}
    assert choice.component in kinds
    if name in ('the batch', 'a queue'):
        assert built.dwcl.batch_negatives and bool(built.dwcl.queue_size) == (name == 'a queue')


def test_mistakes_are_sentences():
    for changes in components.REFUSED:
        sentence = components._refusal(ROOT / 'configs', changes)
        assert 20 < len(sentence) < 250 and '\n' not in sentence


def test_a_choice_that_does_not_fit_is_found(monkeypatch):
    class Picky(nn.Module):
        LEVELS = ('odd',)

        def forward(self, images):
            raise ValueError('images must be odd')

    monkeypatch.setitem(MODELS.module_dict, 'Picky', Picky)
    contrast = Config.fromfile(ROOT / 'configs/_base_/contrast/fncontra.py').contrast.to_dict()
    assert components._try(contrast) == ''
    assert components._try(dict(contrast, negatives=dict(type='Picky'))) == 'images must be odd'


def test_trying_leaves_the_random_numbers_alone():
    before = torch.get_rng_state()
    components.try_choices(ROOT / 'configs')
    assert torch.equal(torch.get_rng_state(), before)
