"""Damaged and hostile checkpoints: loaded, or a ValueError of one line; no crash, no blow-up."""

import io
import os
import pickletools
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from child import run_in_child
from hypothesis import given
from hypothesis import strategies as st
from mmengine.logging import MessageHub
from mutations import EXAMPLES, NUMBERS, damaged, profile

from mmfncontra.checkpoints.file import load_resumable_file, read_torch_file

SECONDS = 120 + EXAMPLES / 20


def contents() -> dict:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(5, 4)).square().mean().backward()
    optimizer.step()
    hub = MessageHub('fuzz')
    for value in (1.0, 2.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('speed', np.float64(1.5))
    state = OrderedDict((f'generator.{k}', v) for k, v in model.state_dict().items())
    return dict(
        meta=dict(epoch=0, iter=5, time='now', seen={1, 2}, milestones=Counter({5: 1})),
        state_dict=state,
        message_hub=hub.state_dict(),
        optimizer=dict(generator=optimizer.state_dict()),
        ranks=[dict(random=torch.get_rng_state()[:16], shape=torch.Size([2]), none=None)],
    )


def save(content: object, is_zip: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=is_zip)
    return file.getvalue()


ZIP, OLD = save(contents()), save(contents(), is_zip=False)
with zipfile.ZipFile(io.BytesIO(ZIP)) as _archive:
    RECORDS = {name: _archive.read(name) for name in _archive.namelist()}
INDEX = next(name for name in RECORDS if name.endswith('data.pkl'))
_STARTS = [position for _, _, position in pickletools.genops(RECORDS[INDEX])]
OPERATIONS = [
    RECORDS[INDEX][a:b] for a, b in zip(_STARTS, [*_STARTS[1:], len(RECORDS[INDEX])], strict=True)
]


def with_index(index: bytes) -> bytes:
    """The checkpoint with another pickle, of right checksums."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for name, content in RECORDS.items():
            archive.writestr(name, index if name == INDEX else content)
    return file.getvalue()


def touch(value: object) -> None:
    if isinstance(value, torch.Tensor):
        value.double().sum()  # reads all that it claims
    elif isinstance(value, dict):
        for part in value.values():
            touch(part)
    elif isinstance(value, list | tuple):
        for part in value:
            touch(part)


def check(data: bytes, path: str) -> None:
    with open(path, 'wb') as file:
        file.write(data)
    try:
        touch(load_resumable_file(path))
    except ValueError as error:
        assert path in str(error) and '\n' not in str(error) and len(str(error)) < 600


@st.composite
def shuffled(draw) -> bytes:
    """The pickle with a few operations changed, each of them whole."""
    operations = list(OPERATIONS)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(operations) - 1))
        kind = draw(st.sampled_from(['delete', 'repeat', 'other', 'number', 'range']))
        if kind == 'delete':
            del operations[at]
        elif kind == 'number':
            number = draw(NUMBERS | st.integers(-3, 300))
            width = number.bit_length() // 8 + 1
            content = number.to_bytes(width, 'little', signed=True)
            operations[at] = b'\x8a' + bytes([width]) + content
        else:
            other = draw(st.integers(0, len(operations) - 1))
            count = draw(st.integers(2, 20)) if kind == 'range' else 1
            stop = at if kind == 'repeat' else at + count
            operations[at:stop] = operations[other : other + count]
    return b''.join(operations)


FILES = {
    'zip': (40, damaged(ZIP)),
    'index': (60, damaged(RECORDS[INDEX]).map(with_index)),
    'operations': (100, shuffled().map(with_index)),
    'before_zip': (100, damaged(OLD)),
}


@pytest.mark.parametrize('kind', FILES)
@pytest.mark.filterwarnings('ignore')
def test_damaged_checkpoints(tmp_path, kind):
    examples, files = FILES[kind]
    path = str(tmp_path / 'a.pth')  # after a crash it holds what crashed
    run_in_child(profile(examples)(given(files)(lambda data: check(data, path))), SECONDS)


@pytest.mark.parametrize('is_zip', [True, False])
def test_the_undamaged_one_is_read(tmp_path, is_zip):
    path = tmp_path / 'a.pth'
    path.write_bytes(ZIP if is_zip else OLD)
    loaded = load_resumable_file(path)
    expected = contents()
    assert loaded['meta'] == expected['meta']
    for name, value in expected['state_dict'].items():
        assert torch.equal(loaded['state_dict'][name], value)
    buffer = loaded['message_hub']['log_scalars']['train/loss']
    assert buffer.mean() == 1.5 and loaded['ranks'][0]['shape'] == torch.Size([2])


def test_every_flipped_bit_of_a_weight_is_found(tmp_path):
    """torch reads such a file without a word."""
    path = tmp_path / 'a.pth'
    name = next(n for n, content in RECORDS.items() if '/data/' in n and len(content) == 48)
    start = ZIP.index(RECORDS[name])
    for bit in range(0, 48 * 8, 7):
        data = bytearray(ZIP)
        data[start + bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.raises(ValueError, match=rf'a\.pth is damaged: {name} fails its checksum'):
            load_resumable_file(path)
    assert torch.load(path, weights_only=True).keys() == contents().keys()


def text(value: str) -> bytes:
    return b'X' + len(value.encode()).to_bytes(4, 'little') + value.encode()


def integer(value: int) -> bytes:
    return b'\x8a\x09' + value.to_bytes(9, 'little', signed=True)


def called(name: str, *arguments: bytes) -> bytes:
    module, _, function = name.rpartition('.')
    return f'c{module}\n{function}\n('.encode() + b''.join(arguments) + b'tR'


def tuples(*items: bytes) -> bytes:
    return b'(' + b''.join(items) + b't'


def latin(value: str) -> bytes:
    return called('_codecs.encode', text(value), text('latin1'))


STORAGE = tuples(text('storage'), b'ctorch\nFloatStorage\n', text('0'), text('cpu'), integer(12))
HOOKS = called('collections.OrderedDict')
DTYPE = called('numpy.dtype', text('f8'), b'\x89', b'\x88')
OBJECTS = called('numpy.dtype', text('O'), b'\x89', b'\x88')
ARRAY = called(
    'numpy.core.multiarray._reconstruct', b'cnumpy\nndarray\n', tuples(integer(0)), latin('b')
)
HISTORY = b'cmmengine.logging.history_buffer\nHistoryBuffer\n)\x81'


def tensor(sizes: list[int], strides: list[int], offset: int = 0) -> bytes:
    size, stride = (tuples(*map(integer, numbers)) for numbers in (sizes, strides))
    # The storage is one of 48 bytes.
    name = next(n for n, content in RECORDS.items() if '/data/' in n and len(content) == 48)
    storage = STORAGE.replace(text('0'), text(name.rpartition('/')[2])) + b'Q'
    arguments = (storage, integer(offset), size, stride, b'\x89', HOOKS)
    return called('torch._utils._rebuild_tensor_v2', *arguments)


def state(*items: bytes) -> bytes:
    return b'}(' + b''.join(items) + b'u'


HOSTILE = {
    'system': (called('os.system', text('touch owned')), 'could run code'),
    'eval': (called('builtins.eval', text('open("owned", "w")')), 'could run code'),
    'load': (called('torch.load', text('owned')), 'could run code'),
    'from_file': (called('torch.from_file', text('owned'), b'\x88', integer(8)), 'could run code'),
    'bytearray': (called('builtins.bytearray', integer(2**40)), 'could run code'),
    'empty tensor': (called('torch.Tensor', integer(2**40)), 'could run code'),
    'storage': (called('torch.FloatStorage', integer(2**40)), 'could run code'),
    'meta tensor': (called('torch._utils._rebuild_meta_tensor_no_storage'), 'could run code'),
    'sparse tensor': (called('torch._utils._rebuild_sparse_tensor'), 'could run code'),
    'quantised tensor': (called('torch._utils._rebuild_qtensor'), 'could run code'),
    'subclass': (called('torch._tensor._rebuild_from_type_v2'), 'could run code'),
    'codec': (called('_codecs.encode', text('a' * 99), text('punycode')), 'could run code'),
    'terabytes': (tensor([2**40], [1]), 'claims 1099511627776 values'),
    'repeated': (tensor([2**40], [0]), 'claims 1099511627776 values'),
    'outside': (tensor([4], [1], 9), 'claims 4 values, its storage holds 12'),
    'negative': (tensor([4], [-1], 3), 'wrong sizes'),
    'dimensions': (tensor([1] * 100, [1] * 100), 'wrong types'),
    'objects': (OBJECTS, 'numpy values of type O'),
    'object array': (
        ARRAY + tuples(integer(1), tuples(integer(1)), OBJECTS, b'\x89', latin('A' * 8)) + b'b',
        'numpy values of type O',
    ),
    # Numbers as addresses of objects.
    'forged dtype': (
        DTYPE
        + tuples(integer(3), text('<'), tuples(DTYPE, tuples(integer(1))), b'NN')[:-1]
        + integer(8) * 2
        + integer(63)
        + b'tb',
        'not of plain numbers',
    ),
    'array of another size': (
        ARRAY + tuples(integer(1), tuples(integer(2**40)), DTYPE, b'\x89', latin('A' * 8)) + b'b',
        'claims another size',
    ),
    'numpy number': (called('numpy.core.multiarray.scalar', DTYPE, latin('A')), 'another size'),
    'history of functions': (
        HISTORY + state(text('mean'), b'cbuiltins\ngetattr\n') + b'b',
        'could run code',
    ),
    'history without values': (
        HISTORY + state(text('max_length'), integer(9)) + b'b',
        'attributes',
    ),
    'another statistic': (
        state(
            text('mean'),
            called('builtins.getattr', HISTORY[:-2], text('min')),
        ),
        'could run code',
    ),
    'attribute': (
        called('builtins.getattr', HISTORY[:-2], text('__init__')),
        'could run code',
    ),
    'dict of methods': (HOOKS + state(text('items'), text('x')) + b'b', 'with attributes'),
    # Hashing it would take 2⁶⁰ steps, or overflow the stack.
    'wide key': (
        text('x') + b'q\x01' + b'h\x01h\x01\x86q\x01' * 60 + b'}h\x01K\x01s',
        'keys that are no plain values',
    ),
    'deep key': (b'})' + b'\x85' * 10**6 + b'K\x01s', 'nested deeper'),
    'deep tuples': (b')' + b'\x85' * 10**6, 'nested deeper'),
    'deep lists': (b']' * 10**4 + b'a' * (10**4 - 1), 'nested deeper'),
    'itself': (b']q\x01h\x01a', 'nested deeper'),
    'function': (b'cbuiltins\ngetattr\n', 'could run code'),
    'too many': (b'N' * 10**5, 'more than 50000 entries'),
    'long text': (b'X\xff\xff\xff\xffabc', 'is damaged'),
}


@pytest.mark.parametrize('name', HOSTILE)
def test_hostile_pickles(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmfncontra.checkpoints.pickle_check.MAX_OPERATIONS', 50_000)
    pickled, said = HOSTILE[name]
    (tmp_path / 'a.pth').write_bytes(with_index(b'\x80\x02}' + text('x') + pickled + b's.'))

    def refuse():
        with pytest.raises(ValueError, match=rf'a\.pth .*({said})') as error:
            read_torch_file('a.pth')
        assert '\n' not in str(error.value)

    run_in_child(refuse, 30)
    assert os.listdir() == ['a.pth']


def entries(change=lambda records: records, **kwargs) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', **kwargs) as archive:
        for name, content in change(list(RECORDS.items())):
            archive.writestr(name, content)
    return file.getvalue()


ARCHIVES = {
    'packed': (entries(compression=zipfile.ZIP_DEFLATED), 'packed or encrypted'),
    'twice': (entries(lambda r: [*r, r[-1]]), 'names entries twice'),
    'two cases': (
        entries(lambda r: [*r, (INDEX.replace('data', 'DATA'), b'')]),
        'which torch.save does not write',
    ),
    'above': (entries(lambda r: [*r, ('../../owned', b'x')]), 'which torch.save does not write'),
    'torchscript': (
        entries(lambda r: [*r, (INDEX.replace('data.pkl', 'constants.pkl'), b'')]),
        'which torch.save does not write',
    ),
    'no index': (entries(lambda r: [e for e in r if e[0] != INDEX]), 'no data.pkl'),
    'no storage': (entries(lambda r: [e for e in r if '/data/1' not in e[0]]), 'holds none'),
    'short storage': (
        entries(lambda r: [(n, c[:-1] if '/data/1' in n else c) for n, c in r]),
        'claims .* the file holds',
    ),
    'more behind it': (ZIP + b'more', 'cut short|not where it should'),
    'another directory': (ZIP + ZIP, 'not where it should'),
    'empty': (b'PK\x03\x04' + entries(lambda r: []), 'damaged'),
}


@pytest.mark.filterwarnings('ignore:Duplicate name')
@pytest.mark.parametrize('name', ARCHIVES)
def test_hostile_archives(tmp_path, name):
    data, said = ARCHIVES[name]
    (tmp_path / 'a.pth').write_bytes(data)
    with pytest.raises(ValueError, match=rf'a\.pth is.*({said})'):
        read_torch_file(tmp_path / 'a.pth')
    assert os.listdir(tmp_path) == ['a.pth']


@pytest.mark.parametrize(
    ('part', 'value'),
    [
        *((part, value) for part in ('meta', 'message_hub', 'optimizer') for value in (3, 'x', [])),
        *(('meta', dict(epoch=0, iter=value)) for value in (-1, 2.5, 'x', True, None, 2**70)),
        ('message_hub', dict(log_scalars=3)),
        ('optimizer', dict(generator=3)),
        ('optimizer', dict(state={}, param_groups=3)),
        ('optimizer', dict(state=[], param_groups=[])),
        ('optimizer', dict(generator=dict(state={}, param_groups=[3]))),
    ],
)
def test_wrong_types_are_named(tmp_path, part, value):
    path = tmp_path / 'a.pth'
    path.write_bytes(save(contents() | {part: value}))
    with pytest.raises(ValueError, match=rf'a\.pth cannot be resumed: its {part}.* must be'):
        load_resumable_file(path)


@pytest.mark.parametrize('entry', [{'generator.x': 3}, {'generator.x': 'text'}, {7: torch.ones(1)}])
def test_weights_that_are_none_are_named(tmp_path, entry):
    path = tmp_path / 'a.pth'
    path.write_bytes(save(dict(state_dict={'generator.a': torch.ones(1), **entry})))
    with pytest.raises(ValueError, match=r"a\.pth has an? \w+ as .* of 'state_dict'"):
        load_resumable_file(path)
