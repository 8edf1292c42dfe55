"""A command line hands on as text what it cannot read as a number."""

import inspect

import pytest
from torch import nn

import mmfncontra.models.gans  # noqa: F401 (registers its networks)
from mmfncontra.registry import MODELS, build_model

build_model(dict(type='ADA'))  # the registry is filled at the first look-up
NUMBERS = (int, float, int | None, float | None)
NEEDED = dict(model=nn.Linear(1, 1), out_size=64, style_channels=8, num_features=8)


@pytest.mark.parametrize(
    ('kind', 'argument'),
    [
        (kind, name)
        for kind in MODELS.module_dict.values()
        if kind.__module__.startswith('mmfncontra.')  # no toys of other tests
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.annotation in NUMBERS
    ],
)
def test_text_for_a_number(kind, argument):
    needed = {name: NEEDED[name] for name in inspect.signature(kind).parameters if name in NEEDED}
    with pytest.raises(ValueError, match=f"{argument} .*must be .*, got 'few'"):
        kind(**needed | {argument: 'few'})
