import pytest
from commands import CONFIGS
from mmengine.config import Config
from mmengine.config import config as module

from mmfncontra.compat.formatted_configs import format_statements_once


@pytest.fixture
def both(monkeypatch):
    """mmengine's own formatter and ours, each with a list of the texts it was given."""
    own = getattr(module.FormatCode, '__wrapped__', module.FormatCode)
    given = []

    def watched(text, **kwargs):
        given.append(text)
        return own(text, **kwargs)

    monkeypatch.setattr(module, 'FormatCode', watched)
    format_statements_once.__wrapped__()
    return own, module.FormatCode, given


@pytest.mark.parametrize(
    'name', ['fncontra/fastgan-offline_64', 'pcl/stylegan2-ada-pcl_shells', 'sagan/sagan']
)
def test_texts_are_those_of_mmengine(name, both, monkeypatch):
    own, _, given = both
    cfg = Config.fromfile(CONFIGS / f'{name}.py', import_custom_modules=False)
    text = cfg.pretty_text
    count = len(given)
    assert count == len(cfg) and cfg.pretty_text == text and len(given) == count
    cfg.work_dir = 'another'
    changed = cfg.pretty_text
    assert len(given) == count + 1
    monkeypatch.setattr(module, 'FormatCode', own)
    assert cfg.pretty_text == changed
    cfg.pop('work_dir')
    assert cfg.pretty_text == text


@pytest.mark.parametrize('text', ['a=1;b=2', '', '# nothing\n', "{'a b': dict(c=[1,2])}"])
def test_other_texts(text, both):
    own, ours, _ = both
    style = dict(based_on_style='pep8')
    assert ours(text, style_config=style)[0] == own(text, style_config=style)[0]


def test_what_is_no_code_is_refused_as_before(both):
    _, ours, _ = both
    with pytest.raises(Exception, match='invalid syntax'):
        ours('a=<object>', style_config=dict(based_on_style='pep8'))
