"""The operators as mmagic finds them, against a few lines of torch and finite differences."""

import pytest
import torch
import torch.nn.functional as F

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def ops():
    import mmcv.ops

    return mmcv.ops


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def twice(function, *inputs):
    """Both derivatives against finite differences; squared, for most are linear."""
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(lambda *x: function(*x).square(), inputs)


def zeros_between(images, factor):
    batch, channels, height, width = images.shape
    out = images.new_zeros(batch, channels, height * factor, width * factor)
    out[..., ::factor, ::factor] = images
    return out


@pytest.mark.parametrize(
    ('up', 'down', 'padding'),
    [(1, 1, (1, 2, 1, 2)), (2, 1, (2, 1, 2, 1)), (1, 2, (1, 1, 0, 2)), (2, 2, (3, 3, 3, 3))],
)
def test_upfirdn2d(ops, up, down, padding):
    images, taps = double(1, 2, 5, 4), torch.rand(4, 4, dtype=torch.float64)
    weight = taps.flip((0, 1)).expand(2, 1, 4, 4)
    padded = F.pad(zeros_between(images, up), padding)
    expected = F.conv2d(padded, weight, groups=2)[..., ::down, ::down]

    def ours(x):
        return ops.upfirdn2d(x, taps, up=up, down=down, padding=padding)

    torch.testing.assert_close(ours(images), expected)
    twice(ours, images)


def test_fused_bias_leakyrelu(ops):
    images, bias = double(2, 3, 3, 2), double(3)
    expected = F.leaky_relu(images + bias.view(1, 3, 1, 1), 0.2) * 2**0.5
    torch.testing.assert_close(ops.fused_bias_leakyrelu(images, bias), expected)
    twice(ops.fused_bias_leakyrelu, images, bias)
    layer = ops.FusedBiasLeakyReLU(3).double()
    torch.testing.assert_close(layer(images), F.leaky_relu(images, 0.2) * 2**0.5)
    layer(images).sum().backward()
    assert layer.bias.grad.shape == (3,)


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('conv2d', dict(padding=1)),
        ('conv2d', dict(stride=2, groups=2)),
        ('conv_transpose2d', dict(stride=2, padding=1)),
        ('conv_transpose2d', dict(stride=2, groups=2)),
    ],
)
def test_convolutions(ops, name, options):
    groups = options.get('groups', 1)
    images, weight = double(1, 4, 5, 5), double(4, 4 // groups, 3, 3)

    def ours(x, w):
        return getattr(ops, name)(x, w, **options)

    torch.testing.assert_close(ours(images, weight), getattr(F, name)(images, weight, **options))
    twice(ours, images[:, :, :3, :3].detach().requires_grad_(), weight)


def test_mmagic_has_them(ops):
    from mmagic.models.editors.stylegan2 import stylegan2_modules as blocks

    for name in ('upfirdn2d', 'fused_bias_leakyrelu', 'conv2d', 'conv_transpose2d'):
        assert getattr(blocks, name) is getattr(ops, name)
