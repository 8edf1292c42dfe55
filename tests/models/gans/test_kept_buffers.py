import pytest
import torch
from torch import nn

from mmfncontra.models.gans.kept_buffers import KeptBuffers


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('image', torch.randn(1, 2, 4, 4).to(memory_format=torch.channels_last))
        self.register_buffer('count', torch.zeros((), dtype=torch.long))
        self.register_buffer('started', torch.tensor(False))
        self.register_buffer('precise', torch.randn(3, dtype=torch.float64), persistent=False)
        self.register_buffer('shared', self.precise, persistent=False)
        self.register_buffer('nothing', None)
        self.register_buffer('empty', torch.zeros(0))


@pytest.mark.parametrize('where', [True, False])
def test_all_or_none_come_back(where):
    module = Module()
    before = {name: value.clone() for name, value in module.named_buffers()}
    kept = KeptBuffers()
    kept.keep(module)
    module.image.fill_(torch.nan)
    module.count += 1
    module.started.fill_(True)
    module.precise[1] = torch.inf
    changed = {name: value.clone() for name, value in module.named_buffers()}
    kept.restore(torch.tensor(where))
    for name, value in module.named_buffers():
        expected = (before if where else changed)[name]
        assert torch.equal(value.nan_to_num(7.0), expected.nan_to_num(7.0)), name
    assert module.shared is module.precise
    assert module.image.is_contiguous(memory_format=torch.channels_last)


def test_what_is_put_in_place_of_a_buffer_is_left_alone():
    module = Module()
    kept = KeptBuffers()
    kept.keep(module)
    module.precise = torch.ones(3, dtype=torch.float64)
    kept.restore(torch.tensor(True))
    assert module.precise.tolist() == [1, 1, 1]


def test_a_module_without_buffers():
    kept = KeptBuffers()
    kept.keep(nn.Linear(1, 1))
    kept.restore(torch.tensor(True))


def test_a_buffer_that_was_replaced_since_is_the_one_that_counts():
    module = nn.Sequential(nn.BatchNorm1d(2))
    kept = KeptBuffers()
    kept.keep(module)
    module.double()  # makes new tensors
    kept.keep(module)
    module[0].running_mean.fill_(torch.nan)
    kept.restore(torch.tensor(True))
    assert module[0].running_mean.tolist() == [0, 0]


def test_each_step_keeps_anew():
    norm = nn.BatchNorm1d(1)
    kept = KeptBuffers()
    for value in (1.0, 2.0):
        norm.running_mean.fill_(value)
        kept.keep(norm)
        norm.running_mean.fill_(torch.nan)
        kept.restore(torch.tensor(True))
        assert norm.running_mean.item() == value
    norm.running_mean.fill_(3.0)
    kept.restore(torch.tensor(True))  # nothing is kept any more
    assert norm.running_mean.item() == 3
