import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mmfncontra.models.layers import gaussian_blur


def kernel(sigma, radius):
    values = np.array([np.exp(-(k**2) / (2 * sigma**2)) for k in range(-radius, radius + 1)])
    return values / values.sum()


def by_scipy(images, sigmas, radius):
    """Each image by its own kernel along height, then width; borders are mirrored."""
    blurred = []
    for image, sigma in zip(images.numpy().astype(np.float64), sigmas, strict=True):
        rows = ndimage.correlate1d(image, kernel(sigma, radius), axis=1, mode='mirror')
        blurred.append(ndimage.correlate1d(rows, kernel(sigma, radius), axis=2, mode='mirror'))
    return np.stack(blurred)


@pytest.mark.parametrize('radius', [1, 3, 8])
@pytest.mark.parametrize('shape', [(4, 3, 16, 16), (4, 1, 11, 23), (4, 5, 24, 9)])
def test_equals_scipy(shape, radius):
    images = torch.randn(shape)
    sigmas = [0.4, 1.0, 2.5, 6.0]
    found = gaussian_blur(images, torch.tensor(sigmas), radius)
    assert found.shape == images.shape and found.dtype == images.dtype
    expected = by_scipy(images, sigmas, radius)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=2e-6)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**20), height=st.integers(6, 14), width=st.integers(6, 14),
    radius=st.integers(0, 5), sigma=st.floats(0.05, 20.0),
)  # fmt: skip
def test_any_size_equals_scipy(seed, height, width, radius, sigma):
    torch.manual_seed(seed)
    images = torch.randn(2, 2, height, width)
    found = gaussian_blur(images, torch.tensor([sigma, 1.0]), radius)
    expected = by_scipy(images, [float(np.float32(sigma)), 1.0], radius)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=5e-6)


def test_impulse_in_the_corner():
    """By hand: the corner's mirror image of pixel 1 is pixel 1, and nothing repeats the corner."""
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 0, 1] = 1
    k = kernel(1.0, 1)
    found = gaussian_blur(image, torch.ones(1), 1)[0, 0].numpy()
    # Column 0 sees pixel 1 twice, from either side; row 0 sees its own row once.
    assert found[0, 0] == pytest.approx(k[1] * 2 * k[0], rel=1e-6)
    assert found[0, 1] == pytest.approx(k[1] * k[1], rel=1e-6)
    # Row 1 sees row 0 once.
    assert found[1, 1] == pytest.approx(k[0] * k[1], rel=1e-6)
    assert found[2, 1] == 0


def test_flat_images_stay_and_radius_zero_is_the_identity():
    flat = torch.full((2, 3, 9, 9), 0.7)
    torch.testing.assert_close(gaussian_blur(flat, torch.tensor([0.5, 3.0]), 6), flat)
    images = torch.randn(2, 3, 9, 9)
    torch.testing.assert_close(gaussian_blur(images, torch.tensor([0.5, 3.0]), 0), images)


def test_narrow_kernel_is_the_identity():
    images = torch.randn(2, 3, 9, 9)
    torch.testing.assert_close(gaussian_blur(images, torch.full((2,), 1e-3), 3), images)


def test_commutes_with_flips_and_transposition():
    images, sigma = torch.randn(2, 3, 12, 12), torch.tensor([0.8, 2.0])
    blurred = gaussian_blur(images, sigma, 5)
    for turn in (lambda x: x.flip(2), lambda x: x.flip(3), lambda x: x.transpose(2, 3)):
        torch.testing.assert_close(gaussian_blur(turn(images), sigma, 5), turn(blurred))


def test_each_image_by_itself():
    images, sigma = torch.randn(3, 2, 10, 10), torch.tensor([0.5, 1.5, 4.0])
    together = gaussian_blur(images, sigma, 4)
    for i in range(3):
        one = slice(i, i + 1)
        torch.testing.assert_close(gaussian_blur(images[one], sigma[one], 4), together[one])


def test_leaves_the_input_and_lets_the_gradient_through():
    images = torch.randn(2, 1, 5, 6, dtype=torch.float64)
    kept = images.clone()
    sigma = torch.tensor([0.7, 1.6], dtype=torch.float64)
    found = gaussian_blur(images, sigma, 3)
    assert torch.equal(images, kept) and found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), by_scipy(images, [0.7, 1.6], 3), atol=1e-12)
    torch.autograd.gradcheck(lambda x: gaussian_blur(x, sigma, 3), (images.requires_grad_(),))


@pytest.mark.parametrize(('size', 'radius'), [((8, 5), 5), ((3, 9), 4), ((1, 1), 1)])
def test_refuses_images_that_do_not_reach_over_the_radius(size, radius):
    with pytest.raises(ValueError, match=f'too small.*{radius}'):
        gaussian_blur(torch.zeros(1, 1, *size), torch.ones(1), radius)


def test_autocast_does_not_round():
    images, sigma = torch.rand(2, 3, 12, 12), torch.tensor([0.8, 1.5])
    plain = gaussian_blur(images, sigma, 5)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(gaussian_blur(images, sigma, 5), plain)
