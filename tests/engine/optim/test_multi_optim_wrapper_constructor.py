from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmfncontra.engine import AutocastOptimWrapper, MultiOptimWrapperConstructor
from mmfncontra.engine.optim import multi_optim_wrapper_constructor as module
from mmfncontra.engine.optim.multi_optim_wrapper_constructor import waits_for_gpu

ADAM = dict(type='Adam', lr=1e-3, betas=(0.5, 0.9))


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Linear(2, 3)
        self.discriminator = nn.Linear(3, 1)
        self.other = nn.Linear(1, 1)


def _parameters(wrapper):
    return {p for group in wrapper.optimizer.param_groups for p in group['params']}


def test_each_network_has_its_optimizer():
    model = Pair()
    cfg = dict(
        generator=dict(optimizer=ADAM),
        discriminator=dict(
            type='mmfncontra.AutocastOptimWrapper', optimizer=dict(type='SGD', lr=2.0)
        ),
    )
    wrappers = MultiOptimWrapperConstructor(cfg)(model)
    assert set(wrappers.keys()) == {'generator', 'discriminator'}
    for name in wrappers.keys():  # noqa: SIM118 (no mapping)
        assert _parameters(wrappers[name]) == set(getattr(model, name).parameters())
    assert wrappers['generator'].optimizer.defaults['betas'] == (0.5, 0.9)
    assert isinstance(wrappers['discriminator'], AutocastOptimWrapper)
    assert isinstance(wrappers['discriminator'].optimizer, torch.optim.SGD)


def test_settings_by_parameter():
    paramwise = dict(custom_keys=dict(bias=dict(lr_mult=2)))
    cfg = dict(generator=dict(optimizer=ADAM, paramwise_cfg=paramwise))
    groups = MultiOptimWrapperConstructor(cfg)(Pair())['generator'].optimizer.param_groups
    assert sorted(group['lr'] for group in groups) == [1e-3, 2e-3]


def test_a_wrapped_model(monkeypatch):
    class Wrapper(nn.Module):
        def __init__(self, module) -> None:
            super().__init__()
            self.module = module

    monkeypatch.setitem(MODEL_WRAPPERS._module_dict, 'TestWrapper', Wrapper)
    model = Pair()
    wrappers = MultiOptimWrapperConstructor(dict(generator=dict(optimizer=ADAM)))(Wrapper(model))
    assert _parameters(wrappers['generator']) == set(model.generator.parameters())


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match=r"names 'critic', which Pair .* generator, discriminator"):
        MultiOptimWrapperConstructor(dict(critic=dict(optimizer=ADAM)))(Pair())


def test_an_unknown_optimizer_is_named():
    with pytest.raises(KeyError, match='Adem is not in the optimizer registry'):
        MultiOptimWrapperConstructor(dict(generator=dict(optimizer=dict(type='Adem'))))


@pytest.mark.parametrize(
    ('cfg', 'paramwise', 'said'),
    [
        ({}, None, 'empty'),
        (
            dict(generator=dict(lr=1)),
            None,
            r"\['generator'\] must be a dict with .*optimizer",
        ),
        (dict(generator=dict(optimizer=ADAM)), dict(norm_decay_mult=0), 'for each network'),
    ],
)
def test_configs_are_checked(cfg, paramwise, said):
    with pytest.raises(ValueError, match=said):
        MultiOptimWrapperConstructor(cfg, paramwise)


@pytest.mark.parametrize(
    ('kind', 'device', 'options', 'waits'),
    [
        (torch.optim.Adam, 'cuda', {}, True),
        (torch.optim.AdamW, 'cuda', {}, True),
        (torch.optim.Adam, 'cuda', dict(fused=True), False),
        (torch.optim.Adam, 'cuda', dict(capturable=True), False),
        (torch.optim.Adam, 'cpu', {}, False),
        (torch.optim.SGD, 'cuda', {}, False),
    ],
)
def test_who_counts_on_the_host(kind, device, options, waits):
    optimizer = kind(nn.Linear(1, 1).parameters(), lr=0.1)
    weight = SimpleNamespace(device=torch.device(device))
    for group in optimizer.param_groups:
        group.update(params=[weight], **options)
    assert waits_for_gpu(optimizer) is waits


def test_a_wait_in_every_step_is_said_by_name(monkeypatch):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda text, **_: said.append(text))
    cfg = dict(generator=dict(optimizer=ADAM), discriminator=dict(optimizer=ADAM))
    MultiOptimWrapperConstructor(cfg)(Pair())
    assert not said
    monkeypatch.setattr(module, 'waits_for_gpu', lambda optimizer: optimizer.defaults['lr'] == 1e-3)
    cfg['discriminator'] = dict(optimizer=dict(ADAM, lr=1.0))
    MultiOptimWrapperConstructor(cfg)(Pair())
    (text,) = said
    assert text.startswith('optim_wrapper.generator.optimizer makes') and 'fused=True' in text
