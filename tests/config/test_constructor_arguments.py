from collections.abc import Sequence

import pytest
from torch import nn

from mmfncontra.config.constructor_arguments import constructor_arguments, misfit


class Base:
    def __init__(self, a: int, b: float | None = None) -> None: ...


class Derived(Base):
    def __init__(self, c: Sequence[str] = (), d: 'dict | nn.Module' = None, **kwargs) -> None: ...


class Open:
    def __init__(self, **kwargs) -> None: ...


def test_names():
    assert constructor_arguments(Derived) == {'a', 'b', 'c', 'd'}
    assert constructor_arguments(Open) is None
    assert constructor_arguments(object) == set()
    assert constructor_arguments(lambda runner, e: None) == {'runner', 'e'}


@pytest.mark.parametrize(
    ('name', 'value', 'wanted'),
    [
        ('a', '3', 'an integer'),
        ('a', True, 'an integer'),
        ('b', '3', 'a number or None'),
        ('c', 'abc', 'a list'),
        ('d', 'Name', "a config, dict(type='…')"),
    ],
)
def test_misfits(name, value, wanted):
    assert misfit(Derived, name, value) == wanted


@pytest.mark.parametrize(
    ('name', 'value'),
    [('a', 3), ('b', 3), ('b', None), ('c', ['x']), ('d', {}), ('d', nn.Identity()), ('d', None)],
)
def test_what_fits(name, value):
    assert misfit(Derived, name, value) is None
    assert misfit(Open, name, value) is None
