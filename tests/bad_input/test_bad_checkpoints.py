import os

import pytest
import torch
from bad_input import check, complaint

FULL = dict(meta=dict(epoch=0, iter=1), message_hub={}, optimizer={})


class _Code:
    def __reduce__(self):
        return os.system, ('true',)


def _save(**content):
    return lambda path: torch.save(content, path)


def _cut(path):
    torch.save(dict(state_dict={'generator.x': torch.zeros(1000)}, **FULL), path)
    path.write_bytes(path.read_bytes()[:1500])


GENERATOR = {'generator.x': torch.zeros(1)}
# Name, how it is made, culprit, remedy; each is given to --resume and to load_from.
FILES = [
    ('nowhere.pth', lambda path: None, r'nowhere\.pth', 'does not exist'),
    ('empty.pth', lambda path: path.write_bytes(b''), r'empty\.pth', 'take an earlier one|empty'),
    ('cut.pth', _cut, r'cut\.pth', 'take an earlier one|cut short'),
    ('text.pth', lambda path: path.write_text('hello'), r'text\.pth', r'torch\.save did not write'),
    ('folder.pth', lambda path: path.mkdir(), r'folder\.pth', r'name a \.pth file'),
    ('list.pth', lambda path: torch.save([1], path), r'list\.pth', "has 'state_dict'"),
    (
        'other.pth',
        _save(state_dict={'backbone.x': torch.zeros(1)}),
        r'other\.pth',
        r'generator\.\*',
    ),
    ('published.pth', _save(g={}, d={}), r'published\.pth', 'mmfncontra convert-fastgan'),
    ('code.pth', _save(state_dict=GENERATOR, x=_Code(), **FULL), r'code\.pth', 'could run code'),
]


@pytest.mark.parametrize('how', ['resume', 'load_from'])
@pytest.mark.parametrize(('name', 'make', 'culprit', 'remedy'), FILES, ids=[f[0] for f in FILES])
def test_refused(start, place, monkeypatch, how, name, make, culprit, remedy):
    make(place / name)
    given = dict(resume=name) if how == 'resume' else dict(options=[f'load_from={name}'])
    check(complaint(start, **given), culprit, remedy)


def test_weights_alone_are_not_resumed(start, place):
    torch.save(dict(state_dict=GENERATOR), place / 'w.pth')
    check(complaint(start, resume='w.pth'), r'w\.pth .*lacks meta', r'load_from=w\.pth')


def test_weights_of_another_model(start, place):
    torch.save(dict(state_dict=GENERATOR, **FULL), place / 'w.pth')
    check(complaint(start, options=['load_from=w.pth']), r'nothing in w\.pth', 'fits this config')


def test_weights_of_another_size(start, place):
    from mmfncontra.models.archs import FastGANGenerator

    state = FastGANGenerator(out_size=64, base_channels=4, noise_size=4).state_dict()
    state = {f'generator.{name}': value for name, value in state.items()}
    torch.save(dict(state_dict=state, **FULL), place / 'w.pth')
    said = complaint(start, resume='w.pth')
    check(said, r'w\.pth does not fit', r'load_from=w\.pth')
