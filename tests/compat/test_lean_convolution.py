import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.compat.lean_convolution import conv2d, conv_transpose2d

PLAIN = dict(stride=1, padding=1)
# Function of ours, torch's, shape of the weight, arguments; of images (2, 4, 6, 5).
CASES = [
    (conv2d, F.conv2d, (6, 4, 3, 3), PLAIN),
    (conv2d, F.conv2d, (4, 1, 3, 2), dict(groups=4, padding=(1, 0))),
    (conv2d, F.conv2d, (8, 2, 3, 3), dict(groups=2, stride=(2, 1), padding=1, dilation=(1, 2))),
    (conv_transpose2d, F.conv_transpose2d, (4, 3, 3, 3), dict(stride=2, output_padding=1)),
    (conv_transpose2d, F.conv_transpose2d, (4, 1, 2, 4), dict(stride=2, groups=4)),
    (
        conv_transpose2d,
        F.conv_transpose2d,
        (4, 2, 3, 3),
        dict(groups=2, stride=(1, 2), padding=(1, 0), dilation=(2, 1)),
    ),
]


def problem(shape, dtype=torch.float64):
    images = torch.randn(2, 4, 6, 5, dtype=dtype, requires_grad=True)
    return images, torch.randn(shape, dtype=dtype, requires_grad=True)


class Convolutions(TorchDispatchMode):
    """Counts them."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 'convolution' in func.name()
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(('ours', 'theirs', 'shape', 'arguments'), CASES)
def test_equals_torch_to_the_bit(ours, theirs, shape, arguments):
    images, weight = problem(shape, torch.float32)
    outs = [function(images, weight, **arguments) for function in (ours, theirs)]
    assert torch.equal(*outs)
    factors = torch.randn_like(outs[0])
    found, expected = (torch.autograd.grad((out * factors).sum(), (images, weight)) for out in outs)
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])


@pytest.mark.parametrize(('ours', 'theirs', 'shape', 'arguments'), CASES)
def test_second_derivatives_equal_torch(ours, theirs, shape, arguments):
    images, weight = problem(shape)
    found = []
    for function in (ours, theirs):
        out = function(images, weight, **arguments).square().sum()
        first = torch.autograd.grad(out, (images, weight), create_graph=True)
        penalty = sum(gradient.pow(3).sum() for gradient in first)
        found.append(torch.autograd.grad(penalty, (images, weight)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(('ours', 'theirs', 'shape', 'arguments'), CASES[1::3])
def test_derivatives_are_right(ours, theirs, shape, arguments):
    images, weight = problem(shape)
    images = images.detach()[:1, :, :4, :4].requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: ours(x, w, **arguments), (images, weight))
    assert torch.autograd.gradgradcheck(
        lambda x, w: ours(x, w, **arguments).square(), (images, weight)
    )


def test_bias():
    images, weight = problem((6, 4, 3, 3))
    bias = torch.randn(6, dtype=torch.float64, requires_grad=True)
    found = [f(images, weight, bias, padding=1) for f in (conv2d, F.conv2d)]
    torch.testing.assert_close(*found)
    gradients = [torch.autograd.grad(out.square().sum(), bias)[0] for out in found]
    torch.testing.assert_close(*gradients)


def test_other_arguments_get_torchs():
    images, weight = problem((4, 4, 3, 3))
    for ours, theirs in ((conv2d, F.conv2d), (conv_transpose2d, F.conv_transpose2d)):
        assert torch.equal(ours(images[0], weight), theirs(images[0], weight))
    assert torch.equal(
        conv2d(images, weight, padding='same'), F.conv2d(images, weight, padding='same')
    )


def test_a_constant_weight_gets_no_gradient_of_any_order():
    """A penalty through a blur of 16 channels: torch takes a convolution for each of them."""
    images = torch.randn(1, 16, 8, 8, requires_grad=True)
    taps = torch.ones(16, 1, 3, 3)
    counts = []
    for function in (conv2d, F.conv2d):
        out = function(images.square(), taps, padding=1, groups=16)
        (first,) = torch.autograd.grad(out.square().sum(), images, create_graph=True)
        with Convolutions() as convolutions:
            first.square().sum().backward()
        counts.append(convolutions.count)
    ours, theirs = counts
    assert ours == 2 and theirs > 16


def test_a_modulated_weight_of_many_images_is_one_convolution():
    """As StyleGAN2 folds a batch into groups."""
    images = torch.randn(1, 8 * 2, 6, 6, requires_grad=True)
    weight = torch.randn(8 * 3, 2, 3, 3, requires_grad=True)
    out = conv2d(images, weight, padding=1, groups=8)
    first = torch.autograd.grad(out.square().sum(), (images, weight), create_graph=True)
    with Convolutions() as convolutions:
        sum(gradient.square().sum() for gradient in first).backward()
    assert convolutions.count < 10


@pytest.mark.parametrize('function', [conv2d, conv_transpose2d])
def test_autocast_reaches_it(function):
    images, weight = problem((4, 4, 3, 3), torch.float32)
    with torch.autocast('cpu', torch.bfloat16):
        out = function(images, weight, torch.zeros(4))
    assert out.dtype == torch.bfloat16
    (first,) = torch.autograd.grad(out.float().square().sum(), images, create_graph=True)
    first.square().sum().backward()
    assert images.grad.dtype == weight.grad.dtype == torch.float32


def test_keeps_channels_last():
    images, weight = problem((4, 4, 3, 3), torch.float32)
    images, weight = (
        t.detach().contiguous(memory_format=torch.channels_last) for t in (images, weight)
    )
    out = conv2d(images.requires_grad_(), weight.requires_grad_(), padding=1)
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.sum().backward()
    assert weight.grad.is_contiguous(memory_format=torch.channels_last)


def test_mmagic_takes_them():
    code = """
from mmfncontra.compat.prepare_mmagic import prepare_mmagic
prepare_mmagic()
from mmfncontra.compat import lean_convolution as ours
import mmcv.ops
from mmagic.models.editors.stylegan2 import stylegan2_modules
for module in (mmcv.ops, stylegan2_modules):
    assert module.conv2d is ours.conv2d, module
    assert module.conv_transpose2d is ours.conv_transpose2d, module
"""
    subprocess.run([sys.executable, '-c', code], check=True, timeout=120)
