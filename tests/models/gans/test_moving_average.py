import copy

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.models.gans import HalfLifeEMA
from mmfncontra.models.gans.moving_average import MovingAverage

Mmagics = MovingAverage.__base__


class NoHostValue(TorchDispatchMode):
    """Raises where the host would wait for a number from the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func is not torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))


def change(net):
    """What a step does to weights and buffers."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter))
    net(torch.randn(2, 3, 8, 8))


def test_equals_mmagic():
    net = network()
    ours, theirs = MovingAverage(net, 0.1), Mmagics(net, 0.1)
    change(net)  # so that the first copy is seen
    for _ in range(6):
        ours.update_parameters(net)
        theirs.update_parameters(net)
        change(net)
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-7)
    assert ours.steps == 6 and ours.module[1].num_batches_tracked == 6


def test_half_life_equals_mmagics_loop_to_the_bit():
    class Loop(Mmagics):
        def avg_func(self, averaged_param, source_param, steps):
            life = torch.tensor(50.0).minimum(0.05 * steps * 8)
            averaged_param.lerp_(source_param, 1 - 0.5 ** (8 / life))

    net = network()
    ours, theirs = HalfLifeEMA(net, half_life_kimg=0.05), Loop(net)
    ours.images_per_step = 8
    for _ in range(20):
        ours.update_parameters(net)
        theirs.update_parameters(net)
        change(net)
    for ours_value, value in zip(ours.module.parameters(), theirs.module.parameters(), strict=True):
        assert torch.equal(ours_value, value)


@pytest.mark.parametrize('kind', [MovingAverage, HalfLifeEMA])
def test_a_loaded_average_goes_on(kind):
    net = network()
    average = kind(net)
    average.update_parameters(net)
    change(net)
    loaded = kind(network())
    loaded.load_state_dict(average.state_dict())
    for each in (average, loaded):
        each.update_parameters(net)
    for one, other in zip(average.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(loaded.module[0].weight, net[0].weight)


def test_weights_of_before_a_first_update_are_replaced():
    net = network()
    loaded = MovingAverage(network())
    loaded.load_state_dict(MovingAverage(net).state_dict())
    change(net)
    loaded.update_parameters(net)
    assert torch.equal(loaded.module[0].weight, net[0].weight)


def test_takes_a_checkpoint_without_module_and_steps():
    net = network()
    average = MovingAverage(network())
    average.load_state_dict(net.state_dict())
    assert torch.equal(average.module[0].weight, net[0].weight) and average.steps == 0


@pytest.mark.parametrize('kind', [MovingAverage, HalfLifeEMA])
def test_no_update_waits_for_the_device(kind):
    net = network()
    average = kind(net)
    with NoHostValue():
        for _ in range(3):
            average.update_parameters(net)


def test_refuses():
    for momentum in (0, 1, -0.1):
        with pytest.raises(ValueError, match=r'momentum must be in \(0, 1\), got'):
            MovingAverage(nn.Linear(1, 1), momentum)


@pytest.mark.parametrize('kind', [MovingAverage, HalfLifeEMA])
def test_counts_where_the_weights_are(kind):
    """Or a CUDA graph could not count, and the share of a half-life would come from the host."""
    average = kind(network().to('meta'))
    assert average.steps.is_meta


def test_a_module_without_weights():
    assert MovingAverage(nn.Identity()).steps == 0


@pytest.mark.gpu
@pytest.mark.parametrize('kind', [MovingAverage, HalfLifeEMA])
def test_replayed_updates_equal_eager_ones(kind):
    net = network().cuda()
    eager = kind(net)
    eager.update_parameters(net)
    eager.update_parameters(net)
    captured = copy.deepcopy(eager)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # a first run outside of the graph
        copy.deepcopy(eager).update_parameters(net)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured.update_parameters(net)
    for _ in range(3):
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(torch.randn_like(parameter))
        eager.update_parameters(net)
        graph.replay()
    assert captured.steps == eager.steps
    for one, other in zip(captured.parameters(), eager.parameters(), strict=True):
        torch.testing.assert_close(one, other)
