import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANBigDiscriminator, FastGANDiscriminator, FastGANGenerator
from mmfncontra.models.layers import EvenAvgPool2d


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('sides', [(4, 4), (8, 8), (16, 32), (12, 4), (6, 9), (2, 2)])
def test_equals_torch_to_the_bit(sides, layout):
    x = torch.randn(3, 5, *sides).contiguous(memory_format=layout).requires_grad_()
    outs = [pool(x) for pool in (EvenAvgPool2d(4), nn.AdaptiveAvgPool2d(4))]
    assert torch.equal(*outs)
    factors = torch.randn_like(outs[0])
    gradients = [torch.autograd.grad((out * factors).sum(), x)[0] for out in outs]
    assert torch.equal(*gradients)


def test_networks_pool_by_it_alone():
    """Torch's own has no deterministic gradient on a GPU."""
    for network in (
        FastGANGenerator(64, 4),
        FastGANDiscriminator(64, 4),
        FastGANBigDiscriminator(64, 4),
    ):
        pools = [m for m in network.modules() if isinstance(m, nn.AdaptiveAvgPool2d)]
        assert pools and all(type(pool) is EvenAvgPool2d for pool in pools)
