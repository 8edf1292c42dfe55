import numpy as np
import pytest
import pywt
import torch

from mmfncontra.models.wavelets import (
    ORIENTATIONS,
    FilterBank,
    check_levels,
    decompose,
    pad_to_multiple,
    reconstruct,
)

WAVELETS = ('haar', 'db2', 'sym4', 'bior2.2', 'rbio3.1', 'bior1.3', 'coif1', 'db8')


def oracle(x, wavelet, levels):
    """Approximation and (LH, HL, HH) stacks of PyWavelets, coarsest first."""
    ll, *details = pywt.wavedec2(x, wavelet, mode='periodization', level=levels)
    return ll, [np.stack((v, h, d), -3) for h, v, d in details]


def images(*shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1))


@pytest.mark.filterwarnings('ignore:Level value')
@pytest.mark.parametrize(('dtype', 'atol'), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize('wavelet', WAVELETS)
def test_equals_pywavelets(wavelet, dtype, atol):
    # 16 × 24 over three levels: the coarser levels are shorter than most of the filters.
    x = images(2, 3, 16, 24, dtype=dtype)
    ll, details = decompose(x, wavelet, levels=3)
    expected_ll, expected_details = oracle(x.numpy(), wavelet, 3)
    np.testing.assert_allclose(ll, expected_ll, rtol=0, atol=atol)
    assert [tuple(d.shape) for d in details] == [
        (2, 3, 3, 2, 3),
        (2, 3, 3, 4, 6),
        (2, 3, 3, 8, 12),
    ]
    for detail, expected in zip(details, expected_details, strict=True):
        np.testing.assert_allclose(detail, expected, rtol=0, atol=atol)

    # Other coefficients than those of an image, so that the synthesis is tested by itself.
    ll, details = ll + 1, [d.flip(-1) for d in details]
    bands = [tuple(d[..., i, :, :].numpy() for i in (1, 0, 2)) for d in details]
    expected = pywt.waverec2([ll.numpy(), *bands], wavelet, mode='periodization')
    np.testing.assert_allclose(reconstruct(ll, details, wavelet), expected, rtol=0, atol=2 * atol)


@pytest.mark.filterwarnings('ignore:Level value')
def test_every_wavelet_of_pywavelets_on_a_small_image():
    x = images(8, 4)
    for wavelet in pywt.wavelist(kind='discrete'):
        if wavelet == 'dmey':
            continue
        ll, details = decompose(x, wavelet, 2)
        expected_ll, expected_details = oracle(x.numpy(), wavelet, 2)
        np.testing.assert_allclose(ll, expected_ll, atol=1e-10, err_msg=wavelet)
        for detail, expected in zip(details, expected_details, strict=True):
            np.testing.assert_allclose(detail, expected, atol=1e-10, err_msg=wavelet)
        np.testing.assert_allclose(reconstruct(ll, details, wavelet), x, atol=1e-9, err_msg=wavelet)


def test_orientations():
    columns = torch.tensor([1.0, -1.0]).repeat(8, 4)  # differs along the row: a vertical edge
    energy = {
        name: decompose(x)[1][0].abs().mean((-1, -2))
        for name, x in (('LH', columns), ('HL', columns.T), ('HH', columns * columns.T))
    }
    for i, name in enumerate(ORIENTATIONS):
        torch.testing.assert_close(energy[name], 2 * torch.eye(3)[i])


def test_haar_scale():
    ll, _ = decompose(torch.ones(1, 1, 8, 8), 'haar', 3)
    torch.testing.assert_close(ll, torch.full((1, 1, 1, 1), 8.0))


@pytest.mark.parametrize('wavelet', ['haar', 'bior2.2'])
def test_gradients(wavelet):
    x = images(2, 4, 4).requires_grad_()

    def flat(x):
        ll, details = decompose(x, wavelet, 2)
        return ll, *details

    def back(*coefficients):
        return reconstruct(coefficients[0], coefficients[1:], wavelet)

    assert torch.autograd.gradcheck(flat, x)
    assert torch.autograd.gradcheck(back, [c.detach().requires_grad_() for c in flat(x)])
    assert torch.autograd.gradgradcheck(lambda x: back(*flat(x)).pow(3), x)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    x = images(1, 1, 32, 32).to(dtype)
    ll, details = decompose(x, 'db2', 3)
    assert ll.dtype == dtype and all(d.dtype == dtype for d in details)
    expected, _ = decompose(x.float(), 'db2', 3)
    torch.testing.assert_close(ll, expected.to(dtype), rtol=0, atol=0)
    assert reconstruct(ll, details, 'db2').dtype == dtype


def test_autocast_changes_nothing():
    x = images(1, 1, 16, 16, dtype=torch.float32)
    expected, _ = decompose(x, 'sym4', 2)
    with torch.autocast('cpu', torch.bfloat16):
        ll, _ = decompose(x, 'sym4', 2)
    torch.testing.assert_close(ll, expected, rtol=0, atol=0)


def test_takes_a_bank_and_any_leading_axes():
    x = images(2, 1, 3, 4, 8, 8)
    ll, details = decompose(x, FilterBank('db2'), 1)
    assert details[0].shape == (2, 1, 3, 4, 3, 4, 4)
    torch.testing.assert_close(reconstruct(ll, details, FilterBank('db2')), x)


def test_refusals():
    with pytest.raises(ValueError, match=r'20x24 pixels, but levels=3 .* divisible by 8'):
        decompose(torch.zeros(20, 24), levels=3)
    with pytest.raises(ValueError, match='levels must be a positive integer, got 0'):
        decompose(torch.zeros(8, 8), levels=0)
    with pytest.raises(ValueError, match='must end in height and width'):
        decompose(torch.zeros(8))
    with pytest.raises(TypeError, match=r'torch.uint8'):
        decompose(torch.zeros(8, 8, dtype=torch.uint8))
    ll, details = decompose(torch.zeros(8, 8), levels=2)
    with pytest.raises(ValueError, match=r'level 2 .* \(3, 4, 4\), but must have \(3, 2, 2\)'):
        reconstruct(ll, details[::-1])


@pytest.mark.parametrize('shape', [(13, 10), (8, 15), (16, 8), (9, 9)])
def test_pad_to_multiple_is_numpys_symmetric_padding(shape):
    x = images(2, *shape)
    padding = [(0, 0)] + [(0, -side % 8) for side in shape]
    np.testing.assert_array_equal(
        pad_to_multiple(x, 8), np.pad(x.numpy(), padding, mode='symmetric')
    )


def test_check_levels():
    check_levels(5, 32, 40)
    with pytest.raises(ValueError, match=r'levels=5 .* 32x32 pixels, got 31x64: use levels<=4'):
        check_levels(5, 31, 64)
    with pytest.raises(ValueError, match='no level fits'):
        check_levels(1, 1, 64)
    for levels in (0, -1, 2.0, True, '3'):
        with pytest.raises(ValueError, match='levels must be'):
            check_levels(levels)
