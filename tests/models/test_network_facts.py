from types import SimpleNamespace as Network

import pytest
import torch
from torch import nn

from mmfncontra.models import network_facts as facts


@pytest.mark.parametrize(
    ('fact', 'network', 'expected'),
    [
        (facts.out_size, Network(out_size=64), 64),
        (facts.out_size, Network(output_scale=32), 32),
        (facts.out_size, Network(), None),
        (facts.in_size, Network(in_size=64), 64),
        (facts.in_size, Network(in_size=None, input_scale=32), 32),
        (facts.in_size, None, None),
        (facts.num_classes, Network(num_classes=3), 3),
        (facts.num_classes, Network(num_classes=None), 0),
        (facts.noise_size, Network(noise_size=5), 5),
    ],
)
def test_what_networks_say(fact, network, expected):
    assert fact(network) == expected


def test_image_size_has_a_default():
    assert facts.image_size(Network(in_size=64), 32) == 64
    assert facts.image_size(Network(), 32) == 32


@pytest.mark.parametrize(
    ('fact', 'match'),
    [(facts.image_size, 'does not say its in_size'), (facts.noise_size, 'noise_size=None')],
)
def test_silent_networks_are_refused(fact, match):
    with pytest.raises(ValueError, match=match):
        fact(nn.Linear(2, 2))


def test_full_size():
    images = torch.zeros(1, 3, 8, 8)
    assert facts.full_size(images) is images and facts.full_size([images, None]) is images


def test_modes_are_given_back():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).eval())
    with pytest.raises(KeyError), facts.evaluating(network):
        assert not any(module.training for module in network.modules())
        raise KeyError
    assert [module.training for module in network.modules()] == [True, True, False]
