import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.signal import upfirdn

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.compat.stylegan_ops import fused_bias_leakyrelu, install_stylegan_ops, upfirdn2d

BINOMIAL = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8


def mmcv_module(name):
    prepare_mmagic()
    import mmcv.ops  # noqa: F401

    return sys.modules[f'mmcv.ops.{name}']


def in_a_process(code):
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')


def along_one_axis(x, taps, up, down, before, after):
    """scipy's `upfirdn` of the padded signal, less what the filter's overhang adds."""
    signal = np.zeros(len(x) * up)
    signal[::up] = x
    signal = np.pad(signal, (max(before, 0), max(after, 0)))
    signal = signal[max(-before, 0) : len(signal) - max(-after, 0)]
    full = upfirdn(taps, signal)
    return full[len(taps) - 1 : len(signal)][::down]


CASES = [
    {},
    dict(padding=(1, 2)),
    dict(padding=(2, 1, 0, 3), flip_filter=True),
    dict(up=2, padding=(2, 1, 2, 1)),
    dict(up=3, padding=2, gain=4.0),
    dict(down=2, padding=1),
    dict(down=(3, 1), padding=(0, 1, 2, 2)),
    dict(up=(2, 1), down=(1, 2), padding=(3, 0, -1, 4), flip_filter=True),
    dict(up=2, down=3, padding=(-2, 5, 4, -1)),
    dict(up=[1, 4], padding=[-1, -1, 8, -3], gain=0.25),
    dict(padding=-1),
]  # gains whose root float32 has: the reference rounds it to that


@pytest.mark.parametrize('options', CASES, ids=str)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('shape', [(4, 4), (2, 5), (3,), (1,), None], ids=str)
def test_equals_the_reference_of_mmcv(options, dtype, shape):
    reference = mmcv_module('upfirdn2d')._upfirdn2d_ref
    x = torch.randn(2, 3, 7, 9, dtype=dtype)
    kernel = None if shape is None else torch.rand(shape)
    torch.testing.assert_close(upfirdn2d(x, kernel, **options), reference(x, kernel, **options))


@pytest.mark.parametrize('up', [1, 2, 3])
@pytest.mark.parametrize('down', [1, 2])
@pytest.mark.parametrize(('before', 'after'), [(0, 0), (4, 1), (-2, 3), (-1, -1)])
def test_equals_scipy_along_each_axis(up, down, before, after):
    rng = np.random.default_rng(0)
    x, taps = rng.normal(size=(6, 8)), rng.normal(size=4)
    for axis in (0, 1):
        expected = np.apply_along_axis(along_one_axis, axis, x, taps, up, down, before, after)
        kernel = torch.tensor(taps)[None] if axis else torch.tensor(taps)[:, None]
        factors, sides = ((up, 1), (down, 1)), (before, after, 0, 0)
        if axis == 0:
            factors, sides = ((1, up), (1, down)), (0, 0, before, after)
        out = upfirdn2d(torch.tensor(x)[None, None], kernel, *factors, sides)
        np.testing.assert_allclose(out[0, 0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    'options', [dict(padding=(2, 1)), dict(up=2, padding=(2, 1, 0, -1)), dict(down=2, padding=1)]
)
def test_gradients_of_both_orders(options):
    x = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    kernel = torch.rand(3, 4, dtype=torch.float64)
    # Squared: a linear function alone has no second derivative.
    assert torch.autograd.gradcheck(lambda x: upfirdn2d(x, kernel, **options), x)
    assert torch.autograd.gradgradcheck(lambda x: upfirdn2d(x, kernel, **options).square(), x)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('options', [dict(padding=1), dict(up=2, padding=2), dict(down=2)])
def test_half_precision(dtype, options):
    x = torch.randn(2, 3, 8, 8)
    kernel = BINOMIAL[:, None] * BINOMIAL
    out = upfirdn2d(x.to(dtype), kernel.to(dtype), **options)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), upfirdn2d(x, kernel, **options), atol=0.03, rtol=0.03)
    half_filter = upfirdn2d(x, kernel.to(dtype), **options)
    assert half_filter.dtype == torch.float32


def test_full_precision_stays_under_autocast():
    x = torch.randn(1, 2, 8, 8)
    for options in (dict(padding=1), dict(up=2)):
        expected = upfirdn2d(x, BINOMIAL, **options)
        with torch.autocast('cpu', torch.bfloat16):
            assert upfirdn2d(x, BINOMIAL, **options).equal(expected)


def test_other_memory_layouts():
    x = torch.randn(2, 3, 8, 8)
    kernel = torch.rand(4, 4)
    for options in (dict(padding=1), dict(up=2, padding=2), dict(down=2)):
        last = upfirdn2d(x.to(memory_format=torch.channels_last), kernel, **options)
        torch.testing.assert_close(last, upfirdn2d(x, kernel, **options))


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(up=0), r'up must be a positive int or two, \(x, y\), got 0'),
        (dict(down=(1, 2, 3)), 'down must be'),
        (dict(padding=(1, 2, 3)), r'padding must be .* got \(1, 2, 3\)'),
        (dict(padding=-3), 'filter of 4x4 is larger than the padded image'),
    ],
)
def test_bad_arguments(options, said):
    with pytest.raises(ValueError, match=said):
        upfirdn2d(torch.zeros(1, 1, 8, 8), torch.ones(4, 4), **options)
    with pytest.raises(ValueError, match=r'images \(B, C, H, W\), got shape \(8, 8\)'):
        upfirdn2d(torch.zeros(8, 8), torch.ones(4, 4))
    with pytest.raises(ValueError, match=r'filter must be \(h, w\) or \(n\)'):
        upfirdn2d(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 4, 4))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('shape', [(4, 3), (4, 3, 5), (4, 3, 5, 6)])
@pytest.mark.parametrize('options', [{}, dict(negative_slope=0.0, scale=1.0), dict(scale=0.3)])
def test_leaky_equals_the_reference_of_mmcv(dtype, shape, options):
    reference = mmcv_module('fused_bias_leakyrelu').bias_leakyrelu_ref
    x, bias = torch.randn(shape, dtype=dtype), torch.randn(3, dtype=dtype)
    before = x.clone()
    for b in (bias, None):
        torch.testing.assert_close(
            fused_bias_leakyrelu(x, b, **options), reference(x, b, **options)
        )
    assert x.equal(before)


def test_leaky_gradients_of_both_orders():
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fused_bias_leakyrelu, (x, bias))
    assert torch.autograd.gradgradcheck(lambda x, b: fused_bias_leakyrelu(x, b) ** 2, (x, bias))


def test_leaky_keeps_the_type_of_the_features():
    x = torch.randn(2, 3, 4, 4)
    for dtype in (torch.float16, torch.bfloat16):
        out = fused_bias_leakyrelu(x.to(dtype), torch.ones(3))
        assert out.dtype == dtype
        torch.testing.assert_close(
            out.float(), fused_bias_leakyrelu(x, torch.ones(3)), atol=0.03, rtol=0.03
        )


def test_leaky_bad_arguments():
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match='negative_slope must be >= 0 and scale > 0, got -1 and 1'):
        fused_bias_leakyrelu(x, None, -1, 1)
    with pytest.raises(ValueError, match='scale > 0'):
        fused_bias_leakyrelu(x, None, scale=0.0)
    with pytest.raises(ValueError, match=r'one value for each channel of \(2, 3\), got shape \(2,'):
        fused_bias_leakyrelu(x, torch.zeros(2))


def test_mmagic_takes_them_on_mmcv_lite():
    in_a_process("""
from mmfncontra.compat import mmcv_ops
from mmfncontra.compat.prepare_mmagic import prepare_mmagic
# As on mmcv-lite, where full mmcv is installed too.
mmcv_ops.find_spec = lambda name: None
prepare_mmagic()
from mmfncontra.compat import stylegan_ops as ours
import mmcv.ops
from mmagic.models.editors.stylegan1 import stylegan1_modules
from mmagic.models.editors.stylegan2 import stylegan2_modules
from mmagic.models.editors.stylegan2.ada import upfirdn2d as of_ada
for module in (mmcv.ops, stylegan1_modules, stylegan2_modules):
    assert module.upfirdn2d is ours.upfirdn2d, module
    assert module.fused_bias_leakyrelu is ours.fused_bias_leakyrelu, module
assert of_ada.upfirdn2d is ours.upfirdn2d
# mmcv's own layer and its relatives.
forward = mmcv.ops.FusedBiasLeakyReLU.forward
assert forward.__globals__['fused_bias_leakyrelu'] is ours.fused_bias_leakyrelu
assert mmcv.ops.upsample2d.__globals__['upfirdn2d'] is ours.upfirdn2d
assert mmcv.ops.filtered_lrelu.__globals__['upfirdn2d'] is ours.upfirdn2d
""")


def test_full_mmcv_keeps_its_own(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmcv._ext', ModuleType('mmcv._ext'))
    monkeypatch.setattr(
        'mmfncontra.compat.stylegan_ops.install_stylegan_ops', lambda: pytest.fail('installed')
    )
    prepare_mmagic.__wrapped__()


def test_installing_twice_is_once():
    prepare_mmagic()
    install_stylegan_ops()
    import mmcv.ops

    assert mmcv.ops.upfirdn2d is upfirdn2d
    assert sys.modules['mmcv.ops.upfirdn2d'].upfirdn2d is upfirdn2d
