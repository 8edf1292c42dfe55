"""Pickle allow-list: what a checkpoint would build, told from its opcodes, building nothing.

``torch.load(weights_only=True)`` calls no function but those of a list. These can still be called
with arguments that no ``torch.save`` writes: a ``numpy.dtype`` that takes numbers for addresses, a
key whose hash takes years, a tensor that claims terabytes. Here the stack of the unpickler is
followed with stand-ins for the values, and everything but what a training writes is refused.
"""

import math
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

# A training of StyleGAN2 at 1024 pixels writes 10⁵ operations.
MAX_OPERATIONS = 2 * 10**6
# Deeper nested values overflow the stacks of what copies or compares them.
MAX_DEPTH = 64
# A tensor may repeat its values (`expand`), up to so many.
_MAX_REPEATED = 2**24
_ITEM_SIZES = dict(
    Double=8, Float=4, Half=2, BFloat16=2, ComplexDouble=16, ComplexFloat=8,
    Long=8, Int=4, Short=2, Char=1, Byte=1, Bool=1,
)  # fmt: skip
_STORAGES = {f'torch {name}Storage': size for name, size in _ITEM_SIZES.items()}
_TORCH_DTYPES = {
    f'torch {name}'
    for name in (
        *('float64', 'float32', 'float16', 'bfloat16', 'complex64', 'complex128'),
        *('int64', 'int32', 'int16', 'int8', 'uint8', 'bool'),
    )
}
ARRAY_DTYPES = ('f8', 'f4', 'f2', 'i8', 'i4', 'i2', 'i1', 'u8', 'u4', 'u2', 'u1', 'b1')
STATISTICS = ('min', 'max', 'current', 'mean')
# What only calls need, and what is not finished.
_UNSTORED = ('function', 'storage type', 'storage', 'statistic', 'new array', 'new history')
_HISTORY = 'mmengine.logging.history_buffer HistoryBuffer'
_HISTORY_KEYS = {'max_length', '_log_history', '_count_history', 'statistics_methods'}


class _Value:
    """A stand-in: what kind of value it is, and what its later uses depend on."""

    __slots__ = ('depth', 'is_key', 'items', 'kind')

    def __init__(self, kind: str, items: Any = None, is_key: bool = False, depth: int = 0) -> None:
        self.kind = kind
        self.items = items
        self.is_key = is_key  # can be the key of a dict, at little cost
        self.depth = depth


def check_pickle(file: BinaryIO, sizes: Mapping[str, int] | None = None) -> dict[str, int]:
    """Follow one pickle of a checkpoint.

    Args:
        file: Open at the pickle; left behind its end.
        sizes: Bytes that the file holds of each storage; None if that is not known yet.

    Returns:
        Bytes of each storage by key, as the pickle claims.

    Raises:
        pickle.UnpicklingError: If it would build other objects than tensors, numbers, strings,
            containers of them and the log of mmengine.
        ValueError: If it is damaged, or claims more than the file holds.
    """
    follower = _Follower(sizes)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if count >= MAX_OPERATIONS:
                raise ValueError(f'its index has more than {MAX_OPERATIONS} entries')
            follower.step(opcode.name, argument)
        if not _is_stored(follower.stack.pop()):
            raise pickle.UnpicklingError('a function')
    except (IndexError, KeyError, AttributeError, TypeError, OverflowError) as error:
        raise ValueError('its index is broken') from error
    return follower.storages


class _Follower:
    def __init__(self, sizes: Mapping[str, int] | None) -> None:
        self.sizes = sizes
        self.storages: dict[str, int] = {}
        self.types: dict[str, str] = {}
        self.stack: list = []
        self.marked: list[list] = []
        self.memo: dict[int, object] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in ('PROTO', 'STOP'):
            return
        if name in _CONSTANTS:
            self.stack.append(argument)
        elif name in _VALUES:
            self.stack.append(_VALUES[name])
        elif name in ('BINPUT', 'LONG_BINPUT'):
            self.memo[argument] = self.stack[-1]
        elif name in ('BINGET', 'LONG_BINGET'):
            self.stack.append(self.memo[argument])
        elif name in _EMPTY:
            # Of a dict the items by text, of a list whether all its items can be keys.
            self.stack.append(_Value(_EMPTY[name], {} if name == 'EMPTY_DICT' else True))
        elif name == 'MARK':
            self.marked.append(self.stack)
            self.stack = []
        elif name in _FIXED_TUPLES:
            self.stack.append(_tuple(self._pop(_FIXED_TUPLES[name])))
        elif name in ('TUPLE', 'EMPTY_TUPLE'):
            items = self._pop_marked() if name == 'TUPLE' else []
            self.stack.append(_tuple(items))
        elif name == 'GLOBAL':
            self.stack.append(_global(argument))
        elif name == 'BINPERSID':
            self.stack.append(self._storage(self.stack.pop()))
        elif name in ('REDUCE', 'NEWOBJ'):
            function, arguments = self._pop(2)
            self.stack.append(_call(function, arguments, is_new=name == 'NEWOBJ'))
        elif name == 'BUILD':
            state = self.stack.pop()
            _build(self.stack[-1], state)
        elif name in ('APPEND', 'APPENDS'):
            items = self._pop(1) if name == 'APPEND' else self._pop_marked()
            _append(self.stack[-1], items)
        elif name in ('SETITEM', 'SETITEMS'):
            items = self._pop(2) if name == 'SETITEM' else self._pop_marked()
            _set_items(self.stack[-1], items)
        else:
            raise ValueError(f'its index has the unknown operation {name}')

    def _pop(self, count: int) -> list:
        return [self.stack.pop() for _ in range(count)][::-1]

    def _pop_marked(self) -> list:
        items, self.stack = self.stack, self.marked.pop()
        return items

    def _storage(self, value: object) -> _Value:
        tag, kind, key, location, numel = _items(value, 'tuple')[:5]
        if tag != 'storage' or not _is(kind, 'storage type') or len(value.items) > 6:
            raise ValueError('its index names no storage where it should')
        if value.items[5:] not in ((), (None,)):  # views, which torch stopped writing in 2017
            raise ValueError('its index has a storage that is a part of another')
        if not isinstance(key, str) or not isinstance(location, str) or not _is_count(numel):
            raise ValueError('its index describes a storage by wrong types')
        claimed = numel * _STORAGES[kind.items]
        if self.types.setdefault(key, kind.items) != kind.items:
            raise ValueError(f'storage {key} has two types')
        if self.storages.setdefault(key, claimed) != claimed:
            raise ValueError(f'storage {key} has two sizes')
        if self.sizes is not None and self.sizes.get(key) != claimed:
            held = self.sizes.get(key, 'none')
            raise ValueError(f'storage {key} claims {claimed} bytes, the file holds {held}')
        return _Value('storage', numel)


def _is(value: object, kind: str) -> bool:
    return isinstance(value, _Value) and value.kind == kind


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _is_key(value: object) -> bool:
    return value.is_key if isinstance(value, _Value) else True


def _is_stored(value: object) -> bool:
    """Whether a value may be part of a checkpoint: everything but what only calls need."""
    return not isinstance(value, _Value) or (
        value.kind not in _UNSTORED and (value.kind != 'tuple' or value.depth > 0)
    )


def _items(value: object, kind: str) -> tuple:
    if not _is(value, kind):
        raise ValueError(f'its index has no {kind} where it should')
    return value.items


def _tuple(items: list) -> _Value:
    # Depth 0 marks the arguments of a call, which hold functions.
    depth = 1 + max((v.depth for v in items if isinstance(v, _Value)), default=0)
    if depth > MAX_DEPTH:
        raise ValueError(f'its values are nested deeper than {MAX_DEPTH}')
    is_stored = all(map(_is_stored, items))
    # Keys of a key's key are hashed again and again.
    is_key = depth <= 2 and len(items) <= 64 and all(map(_is_key, items))
    return _Value('tuple', tuple(items), is_key and is_stored, depth if is_stored else 0)


def _global(name: str) -> _Value:
    if name in _STORAGES:
        return _Value('storage type', name)
    if name in _TORCH_DTYPES:
        return _Value('torch type', is_key=True)
    if name in _CALLS or name == 'numpy ndarray':
        return _Value('function', name)
    raise pickle.UnpicklingError(f'GLOBAL {name.replace(" ", ".")}')


def _append(target: object, items: list) -> None:
    if not _is(target, 'list') or not all(map(_is_stored, items)):
        raise pickle.UnpicklingError('a function in a list, or a list where none is')
    target.items = target.items and all(map(_is_key, items))


def _set_items(target: object, items: list) -> None:
    keys, values = items[::2], items[1::2]
    if not isinstance(target, _Value) or target.kind not in ('dict', 'ordered dict', 'counter'):
        raise ValueError('its index sets items of no dict')
    if len(keys) != len(values) or not all(map(_is_key, keys)):
        raise ValueError('its index has a dict with keys that are no plain values')
    if not all(map(_is_stored, values)):
        # mmengine keeps them for all HistoryBuffers: under another name they would change these.
        if not all(_is(v, 'statistic') and v.items == k for k, v in zip(keys, values, strict=True)):
            raise pickle.UnpicklingError('a function in a dict')
        target.kind = 'statistics'
    if target.kind == 'dict':
        target.items |= {k: v for k, v in zip(keys, values, strict=True) if isinstance(k, str)}


def _build(target: object, state: object) -> None:
    kind = target.kind if isinstance(target, _Value) else 'constant'
    if kind == 'ordered dict':  # of a model's state
        if set(_items(state, 'dict')) - {'_metadata'}:
            raise pickle.UnpicklingError('an OrderedDict with attributes')
    elif kind == 'new dtype':
        version, order, *rest = _items(state, 'tuple')
        if version != 3 or order not in ('<', '>', '|') or rest != [None, None, None, -1, -1, 0]:
            raise pickle.UnpicklingError('a numpy dtype that is not of plain numbers')
        target.kind = 'dtype'
    elif kind == 'new array':
        version, shape, dtype, is_fortran, data = _items(state, 'tuple')
        sizes = _items(shape, 'tuple')
        size = _dtype_size(dtype)
        if version != 1 or not all(map(_is_count, sizes)) or type(is_fortran) is not bool:
            raise ValueError('its index describes a numpy array by wrong types')
        if _items(data, 'bytes') != size * math.prod(sizes) or len(sizes) > 32:
            raise ValueError('a numpy array claims another size than it has')
        target.kind, target.items = 'array', sizes
    elif kind == 'new history':
        _check_history(_items(state, 'dict'))
        target.kind = 'history'
    else:
        raise pickle.UnpicklingError(f'the state of a {kind}')


def _check_history(state: Mapping[str, object]) -> None:
    if set(state) != _HISTORY_KEYS or not _is(state['statistics_methods'], 'statistics'):
        raise pickle.UnpicklingError('a HistoryBuffer with other attributes')
    values, counts = (_items(state[key], 'array') for key in ('_log_history', '_count_history'))
    if len(values) != 1 or values != counts or not _is_count(state['max_length']):
        raise ValueError('a log history with values and counts of different lengths')


def _dtype_size(value: object) -> int:
    if not _is(value, 'dtype') and not _is(value, 'new dtype'):
        raise ValueError('its index has no numpy dtype where it should')
    return value.items


def _call(function: object, arguments: object, is_new: bool) -> _Value:
    if not _is(function, 'function') or function.items not in _CALLS:
        raise pickle.UnpicklingError('a call of what is no function')
    if is_new != (function.items == _HISTORY):
        raise pickle.UnpicklingError(f'{function.items} made anew')
    try:
        return _CALLS[function.items](*_items(arguments, 'tuple'))
    except TypeError as error:
        raise ValueError(f'{function.items} is called with wrong arguments') from error


def _tensor(
    storage: object, offset: object, size: object, stride: object, grad: object, hooks: object
) -> _Value:
    numel = _items(storage, 'storage')
    sizes, strides = _items(size, 'tuple'), _items(stride, 'tuple')
    if not all(map(_is_count, (offset, *sizes, *strides))) or len(sizes) != len(strides):
        raise ValueError('its index describes a tensor by wrong sizes')
    if len(sizes) > MAX_DEPTH or type(grad) is not bool or not _is(hooks, 'ordered dict'):
        raise ValueError('its index describes a tensor by wrong types')
    count = math.prod(sizes)
    last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    if (count and last >= numel) or count > max(numel, _MAX_REPEATED):
        raise ValueError(f'a tensor claims {count} values, its storage holds {numel}')
    return _Value('tensor')


def _parameter(data: object, grad: object, hooks: object) -> _Value:
    if not _is(data, 'tensor') or type(grad) is not bool or not _is(hooks, 'ordered dict'):
        raise ValueError('its index describes a parameter by wrong types')
    return _Value('tensor')


def _new_array(kind: object, shape: object, code: object) -> _Value:
    if not _is(kind, 'function') or kind.items != 'numpy ndarray':
        raise pickle.UnpicklingError('an array of an unknown class')
    if _items(shape, 'tuple') != (0,) or not _is(code, 'bytes'):
        raise ValueError('its index describes a numpy array by wrong types')
    return _Value('new array')


def _new_dtype(name: object, align: object, copy: object) -> _Value:
    if name not in ARRAY_DTYPES:
        shown = name if isinstance(name, str) else 'unknown'
        raise pickle.UnpicklingError(f'numpy values of type {shown[:20]}')
    if type(align) is not bool or copy is not True:  # numpy's own must not be changed
        raise pickle.UnpicklingError('a numpy dtype that is not a copy')
    return _Value('new dtype', int(name[1:]))


def _scalar(dtype: object, data: object) -> _Value:
    if _items(data, 'bytes') != _dtype_size(dtype):
        raise ValueError('a numpy number of another size than its type')
    return _Value('number', is_key=True)


def _encode(text: object, encoding: object) -> _Value:
    if not isinstance(text, str) or encoding != 'latin1':
        raise pickle.UnpicklingError('a text in an unknown encoding')
    return _Value('bytes', len(text), is_key=True)


def _statistic(owner: object, name: object) -> _Value:
    if not _is(owner, 'function') or owner.items != _HISTORY or name not in STATISTICS:
        raise pickle.UnpicklingError('builtins.getattr of another object than a HistoryBuffer')
    return _Value('statistic', name)


def _counter(items: object) -> _Value:
    _items(items, 'dict')
    return _Value('counter')


def _set(items: object) -> _Value:
    if not _items(items, 'list'):
        raise ValueError('a set of other than plain values')
    return _Value('set')


def _size(sizes: object) -> _Value:
    if not all(map(_is_count, _items(sizes, 'tuple'))):
        raise ValueError('its index has a torch.Size of other than integers')
    return _Value('size', is_key=True)


def _device(*name: object) -> _Value:
    if not 1 <= len(name) <= 2 or not isinstance(name[0], str) or not all(map(_is_count, name[1:])):
        raise ValueError('its index has an unknown device')
    return _Value('device', is_key=True)


def _complex(real: object, imaginary: object) -> _Value:
    if type(real) is not float or type(imaginary) is not float:
        raise ValueError('its index has a complex number of other than floats')
    return _Value('number', is_key=True)


_CALLS: dict[str, Callable[..., _Value]] = {
    'torch._utils _rebuild_tensor_v2': _tensor,
    'torch._utils _rebuild_parameter': _parameter,
    'torch Size': _size,
    'torch device': _device,
    'collections OrderedDict': lambda: _Value('ordered dict'),
    'collections Counter': _counter,
    '_codecs encode': _encode,
    'numpy dtype': _new_dtype,
    _HISTORY: lambda: _Value('new history'),
}
for _package in ('numpy.core', 'numpy._core'):
    _CALLS[f'{_package}.multiarray _reconstruct'] = _new_array
    _CALLS[f'{_package}.multiarray scalar'] = _scalar
for _package in ('builtins', '__builtin__'):
    _CALLS[f'{_package} getattr'] = _statistic
    _CALLS[f'{_package} set'] = _set
    _CALLS[f'{_package} complex'] = _complex

_CONSTANTS = {
    *('BININT', 'BININT1', 'BININT2', 'LONG1', 'BINFLOAT', 'BINUNICODE', 'SHORT_BINSTRING'),
}
_VALUES = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
_EMPTY = {'EMPTY_DICT': 'dict', 'EMPTY_LIST': 'list', 'EMPTY_SET': 'set'}
_FIXED_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}
