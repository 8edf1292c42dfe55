import os
import shlex

import pytest
import torch
from torch import nn

from mmfncontra.apis import parse_options
from mmfncontra.checkpoints.file import (
    load_checkpoint_file,
    load_from_option,
    load_resumable_file,
)


def _state():
    return {f'generator.{name}': value for name, value in nn.Linear(64, 64).state_dict().items()}


def _save(path, content):
    torch.save(content, path)
    return path


def test_a_good_file(tmp_path):
    state = _state()
    loaded = load_checkpoint_file(_save(tmp_path / 'a.pth', dict(state_dict=state, meta=dict())))
    for name, value in state.items():
        assert torch.equal(loaded['state_dict'][name], value)


def test_missing_file_names_the_newest(tmp_path):
    _save(tmp_path / 'iter_20.pth', {})
    with pytest.raises(FileNotFoundError, match=r'newest one there is iter_20\.pth'):
        load_checkpoint_file(tmp_path / 'iter_30.pth')
    with pytest.raises(FileNotFoundError, match=r'does not exist$'):
        load_checkpoint_file(tmp_path / 'nowhere' / 'iter_30.pth')


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match='is a folder'):
        load_checkpoint_file(tmp_path)


@pytest.mark.parametrize('share', [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file(tmp_path, share):
    path = _save(tmp_path / 'a.pth', dict(state_dict=_state()))
    os.truncate(path, int(share * path.stat().st_size))
    with pytest.raises(ValueError, match=r'is cut short .* interrupted'):
        load_checkpoint_file(path)


def test_a_damaged_file(tmp_path):
    path = _save(tmp_path / 'a.pth', dict(state_dict=_state()))
    content = path.read_bytes()
    path.write_bytes(content[:80] + bytes(400) + content[480:])
    with pytest.raises(ValueError, match=r'is damaged|are not loaded'):
        load_checkpoint_file(path)


def test_another_kind_of_file(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_text('<html>Not found</html>')
    with pytest.raises(ValueError, match='is not a checkpoint'):
        load_checkpoint_file(path)


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ([1, 2], 'holds a list'),
        (dict(), "has no 'state_dict' but nothing"),
        (dict(g={}, d={}), r'but g, d;.*convert-fastgan'),
        (dict(state_dict={'backbone.conv.weight': torch.zeros(1)}), r'another model \(backbone\)'),
    ],
)
def test_foreign_content_says_what_would_be_right(tmp_path, content, said):
    with pytest.raises(ValueError, match=said) as raised:
        load_checkpoint_file(_save(tmp_path / 'a.pth', content))
    assert "'state_dict' with entries 'generator.*'" in str(raised.value)


class _Malice:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_is_not_run_and_no_advice_to_run_it(tmp_path):
    content = dict(state_dict=_state(), extra=_Malice(tmp_path / 'owned'))
    with pytest.raises(ValueError, match=r'could run code: .*posix') as raised:
        load_checkpoint_file(_save(tmp_path / 'a.pth', content))
    assert not (tmp_path / 'owned').exists()
    assert 'weights_only' not in str(raised.value) and '\n' not in str(raised.value)


def test_resumable(tmp_path):
    content = dict(state_dict=_state(), meta=dict(epoch=0, iter=2), message_hub={}, optimizer={})
    load_resumable_file(_save(tmp_path / 'a.pth', content))


def test_weights_alone_are_not_resumable(tmp_path):
    path = _save(tmp_path / 'a.pth', dict(state_dict=_state(), meta={}))
    with pytest.raises(ValueError, match=r'lacks message_hub, optimizer; .* load_from='):
        load_resumable_file(path)


@pytest.mark.parametrize('path', ['a.pth', 'my runs/a.pth', 'a,b.pth', "it's/a [1].pth", 'ä.pth'])
def test_the_advised_option_names_the_file_whatever_it_is_called(path):
    _, word = shlex.split(load_from_option(path))
    assert parse_options([word]) == {'load_from': path}


def test_a_checkpoint_without_iteration_is_not_resumable(tmp_path):
    content = dict(state_dict=_state(), meta={}, message_hub={}, optimizer={})
    with pytest.raises(ValueError, match=r'lacks meta\.epoch, meta\.iter'):
        load_resumable_file(_save(tmp_path / 'a.pth', content))


def test_config_text_in_a_checkpoint_is_not_executed(tmp_path):
    meta = dict(epoch=0, iter=2, config='import os')
    content = dict(state_dict=_state(), meta=meta, message_hub={}, optimizer={})
    with pytest.raises(ValueError, match='a config to be executed'):
        load_resumable_file(_save(tmp_path / 'a.pth', content))
