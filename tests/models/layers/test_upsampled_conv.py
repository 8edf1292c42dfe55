import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm

from mmfncontra.models.archs.fastgan_blocks import up_block, up_block_comp
from mmfncontra.models.layers.upsampled_conv import UpsampledConv2d, kernel_sums, sum_kernels


def plain(layer):
    """The two operations that the layer makes one of, with the same weights."""
    conv = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=False)
    conv.weight = layer.weight
    return nn.Sequential(nn.Upsample(scale_factor=2), conv)


@pytest.mark.parametrize('height,width', [(4, 4), (8, 8), (7, 9), (16, 16), (33, 20)])
def test_equals_upsampling_and_convolution(height, width):
    torch.manual_seed(0)
    layer = UpsampledConv2d(5, 6).double()
    x = torch.randn(2, 5, height, width, dtype=torch.double, requires_grad=True)
    ours, oracle = layer(x), plain(layer)(x)
    torch.testing.assert_close(ours, oracle, atol=1e-12, rtol=1e-12)
    towards = torch.randn_like(ours)
    inputs = (x, layer.weight)
    gradients = torch.autograd.grad(ours, inputs, towards)
    for gradient, expected in zip(
        gradients, torch.autograd.grad(oracle, inputs, towards), strict=True
    ):
        torch.testing.assert_close(gradient, expected, atol=1e-11, rtol=1e-11)


def test_is_differentiable_twice():
    torch.manual_seed(0)
    layer = UpsampledConv2d(2, 3).double()
    x = torch.randn(1, 2, 8, 8, dtype=torch.double, requires_grad=True)

    def call(x, weight):
        return torch.func.functional_call(layer, {'weight': weight}, x)

    assert torch.autograd.gradgradcheck(call, (x, layer.weight), fast_mode=True)


def test_kernel_of_the_transposed_convolution():
    torch.manual_seed(0)
    w = torch.randn(2, 3, 3, 3)
    for axis in (2, 3):
        a, b, c = w.unbind(axis)
        w = torch.stack([c, b + c, a + b, a], axis)
    torch.manual_seed(0)
    kernel = sum_kernels(torch.randn(2, 3, 3, 3), kernel_sums())
    torch.testing.assert_close(kernel, w.transpose(0, 1))


def test_spectral_norm_sees_the_three_by_three_kernel():
    torch.manual_seed(0)
    layer = spectral_norm(UpsampledConv2d(4, 6))
    torch.manual_seed(0)
    oracle = nn.Conv2d(4, 6, 3, padding=1, bias=False)
    oracle = nn.Sequential(nn.Upsample(scale_factor=2), spectral_norm(oracle))
    oracle[1].load_state_dict(layer.state_dict())
    x = torch.randn(2, 4, 8, 8)
    for _ in range(3):  # the vectors move on in each
        ours, expected = layer(x), oracle(x)
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.weight_u, oracle[1].weight_u)
    ours.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(
        layer.weight_orig.grad, oracle[1].weight_orig.grad, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize('side', [4, 16])
def test_autocast_to_bfloat16(side):
    torch.manual_seed(0)
    layer = UpsampledConv2d(4, 6)
    x = torch.randn(2, 4, side, side)
    with torch.autocast('cpu', torch.bfloat16):
        ours = layer(x)
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.float(), layer(x), atol=0.05, rtol=0.05)
    ours.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize('block', [up_block, up_block_comp])
def test_blocks_keep_the_published_numbers(block):
    names = set(block(8, 4).state_dict())
    assert {'1.weight_orig', '1.weight_u'} <= names and not any(n.startswith('0.') for n in names)
