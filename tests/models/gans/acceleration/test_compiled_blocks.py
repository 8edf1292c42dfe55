"""Compiled networks compute what they compute otherwise. No C++ compiler is needed here."""

import copy
from functools import partial

import pytest
import torch
from functorch.compile import make_boxed_func, min_cut_rematerialization_partition
from torch import nn
from torch._dynamo.backends.common import aot_autograd
from torch._inductor.decomposition import select_decomp_table
from torch.nn.utils import spectral_norm
from torch.nn.utils.parametrizations import spectral_norm as parametrized

from mmfncontra.models.archs import FastGANDiscriminator, FastGANGenerator
from mmfncontra.models.gans.acceleration.compiled_blocks import (
    _CompiledForward,
    compile_blocks,
    uncompiled,
)
from mmfncontra.models.layers import use_lean_spectral_norm
from mmfncontra.models.regularisers import CHAIN, NICE
from mmfncontra.models.taps import FeatureTaps

pytestmark = pytest.mark.usefixtures('default_scope')
compile_eagerly = partial(compile_blocks, backend='aot_eager')


def block(inputs, outputs):
    return nn.Sequential(
        spectral_norm(nn.Conv2d(inputs, outputs, 3)),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )


def network():
    torch.manual_seed(0)
    return nn.Sequential(block(3, 4), nn.ModuleList([block(4, 4)])[0], nn.Conv2d(4, 1, 3))


def gradients(net, images):
    images = images.clone().requires_grad_()
    net(images).square().sum().backward()
    return [images.grad, *(p.grad for p in net.parameters())]


def test_equals_the_network_frozen_trained_and_evaluated():
    plain, compiled = network(), network()
    assert compile_eagerly(compiled) == list(compiled)
    images = torch.randn(2, 3, 9, 9)
    # In this order: a graph made for frozen weights gives them no gradient.
    for trained in (False, True, False, True):
        for net in (plain, compiled):
            net.requires_grad_(trained).zero_grad()
        pairs = zip(gradients(compiled, images), gradients(plain, images), strict=True)
        for ours, expected in pairs:
            torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    assert list(compiled.state_dict()) == list(plain.state_dict())
    for ours, expected in zip(
        compiled.state_dict().values(), plain.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    plain.eval(), compiled.eval()
    torch.testing.assert_close(compiled(images), plain(images), rtol=1e-5, atol=1e-6)


def test_several_forwards_before_the_backward():
    """As in a step: inductor's graphs, which compute anew and change buffers, without its code."""

    def as_it_is(graph, _):
        return make_boxed_func(graph.forward)

    backend = aot_autograd(
        fw_compiler=as_it_is,
        bw_compiler=as_it_is,
        partition_fn=min_cut_rematerialization_partition,
        decompositions=select_decomp_table(),
        keep_inference_input_mutations=True,
    )
    batches = torch.randn(3, 2, 3, 9, 9)
    found = []
    for compiles in (False, True):
        net = network()
        use_lean_spectral_norm(net)
        if compiles:
            compile_blocks(net, backend=backend)
        for _ in range(2):
            sum(net(batch).square().sum() for batch in batches).backward()
        found.append([*(p.grad for p in net.parameters()), *net.buffers()])
    for ours, expected in zip(*found[::-1], strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_norms_that_move_buffers_are_not_compiled():
    net = nn.Sequential(block(3, 4), nn.Sequential(parametrized(nn.Conv2d(4, 4, 3)), nn.PReLU()))
    assert compile_blocks(net) == [net[0], net[1][1]]


def test_copies_have_weights_of_their_own():
    net = network()
    compile_eagerly(net)
    images = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        net.eval()(images)
        copied = copy.deepcopy(net)
        for parameter in copied.parameters():
            parameter.mul_(2)
        plain = network().eval()
        plain.load_state_dict(copied.state_dict())
        torch.testing.assert_close(copied(images), plain(images))
        assert not torch.allclose(copied(images), net(images))


def test_hooks_and_taps_see_their_maps():
    net = network()
    plain = copy.deepcopy(net)
    blocks = compile_eagerly(net, taps=['0.0', '1'])
    assert net[0] not in blocks and net[0][0] in blocks and net[1] in blocks
    images = torch.randn(2, 3, 9, 9)
    for _ in range(2):
        maps = []
        for each in (net, plain):
            with FeatureTaps(each, ['0.0', '1']).record() as found:
                each(images)
            maps.append(found)
        for ours, expected in zip(*maps, strict=True):
            torch.testing.assert_close(ours, expected)


def test_second_derivatives_go_around_the_compiler():
    net = network()
    compile_eagerly(net)
    images = torch.randn(2, 3, 9, 9, requires_grad=True)
    with uncompiled(net):
        (gradient,) = torch.autograd.grad(net(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert net[2].weight.grad.abs().sum() > 0
    assert not any(b.forward.paused for b in net)


def test_of_fastgan_the_blocks_are_compiled():
    generator = FastGANGenerator(64, base_channels=4)
    blocks = compile_blocks(generator)
    children = dict(generator.named_children())
    assert {'initial', 'up_64', 'skip_64', 'to_big'} <= {
        name for name, child in children.items() if child in blocks
    }
    assert all(isinstance(b.forward, _CompiledForward) for b in blocks)
    disc = FastGANDiscriminator(64, base_channels=4)
    CHAIN().attach(disc)
    NICE(layers=['down_32.main']).attach(disc)
    blocks = compile_blocks(disc, disc.feature_taps)
    assert disc.down_32 not in blocks
    assert not any(type(b).__name__ == 'ChainNorm' for b in blocks)


def test_sizes_are_known_to_the_compiler():
    """A compiler of blocks of one class at several sizes would take them for variable."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(any(isinstance(x, torch.SymInt) for x in inputs))
        return graph.forward

    generator = FastGANGenerator(64, base_channels=4)
    compile_blocks(generator, backend=backend)
    generator(torch.randn(2, 256))
    assert len(graphs) >= 5 and not any(graphs)
