import pytest
import torch
from torch import nn

from mmfncontra.models.gans import HalfLifeEMA


def oracle(weights, images, half_life, ramp_up):
    """The average after each update, by the formula; the first copies."""
    average, seen, averages = weights[0], 0, []
    for i, weight in enumerate(weights):
        if i:
            life = half_life * 1000 if ramp_up is None else min(half_life * 1000, ramp_up * seen)
            beta = 0.5 ** (images / life)
            average = beta * average + (1 - beta) * weight
        seen += images
        averages.append(average)
    return averages


@pytest.mark.parametrize('ramp_up', [0.05, 2.0, None])
def test_formula(ramp_up):
    net = nn.Linear(1, 1, bias=False)
    ema = HalfLifeEMA(net, half_life_kimg=0.05, ramp_up=ramp_up)
    ema.images_per_step = 8
    weights = torch.randn(30).tolist()
    found = []
    for weight in weights:
        net.weight.data.fill_(weight)
        ema.update_parameters(net)
        found.append(ema.module.weight.item())
    assert found == pytest.approx(oracle(weights, 8, 0.05, ramp_up), rel=1e-4, abs=1e-6)


def test_buffers_are_copied():
    net = nn.BatchNorm1d(2)
    ema = HalfLifeEMA(net)
    for _ in range(3):
        net(torch.randn(4, 2))
        ema.update_parameters(net)
    assert torch.equal(ema.module.running_mean, net.running_mean)


def test_refuses():
    for arguments in (dict(half_life_kimg=0), dict(ramp_up=-1)):
        with pytest.raises(ValueError, match='must be positive, got'):
            HalfLifeEMA(nn.Linear(1, 1), **arguments)
