import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from seeds import check_draws_follow_the_seed

from mmfncontra.models.views import HighBoostView
from mmfncontra.registry import MODELS

SIZE = 33


def radius_of(module):
    """How far the blur reaches, seen at an impulse."""
    impulse = torch.zeros(1, 1, SIZE, SIZE)
    impulse[0, 0, SIZE // 2, SIZE // 2] = 1
    row = module(impulse)[0, 0, SIZE // 2]
    return int(torch.nonzero(row).max()) - SIZE // 2


def detail(images, sigma, radius):
    """x − G_σ x by scipy, in float64."""
    values = np.array([np.exp(-(k**2) / (2 * sigma**2)) for k in range(-radius, radius + 1)])
    values /= values.sum()
    x = images.double().numpy()
    rows = ndimage.correlate1d(x, values, axis=2, mode='mirror')
    return x - ndimage.correlate1d(rows, values, axis=3, mode='mirror')


def amounts(images, boosted, sigma, radius):
    """a of each image by least squares; fails unless the formula holds at every pixel."""
    found = []
    added = boosted.double().numpy() - images.double().numpy()
    for d, x in zip(detail(images, sigma, radius), added, strict=True):
        a = float((d * x).sum() / (d * d).sum())
        np.testing.assert_allclose(x, a * d, rtol=0, atol=2e-5)
        found.append(a)
    return found


@pytest.mark.parametrize('sigma', [0.6, 1.0, 2.0])
def test_equals_scipy_with_one_amount_an_image(sigma):
    module = HighBoostView(amount=(0.5, 2.0), sigma=sigma, limits=None)
    images = torch.randn(8, 3, SIZE, 25)
    boosted = module(images)
    assert boosted.shape == images.shape and boosted.dtype == images.dtype
    radius = radius_of(module)
    assert radius >= 2 * sigma
    found = amounts(images, boosted, sigma, radius)
    assert min(found) >= 0.5 - 1e-4 and max(found) <= 2.0 + 1e-4
    assert len(np.unique(np.round(found, 4))) == 8


def test_amounts_are_uniform_in_the_range():
    module = HighBoostView(amount=(0.5, 2.0), limits=None)
    images = torch.randn(400, 1, 16, 16)
    found = amounts(images, module(images), 1.0, radius_of(module))
    assert stats.kstest(found, stats.uniform(0.5, 1.5).cdf).pvalue > 1e-3


def test_between_the_views_at_the_bounds():
    images = torch.randn(20, 1, 16, 16)
    least, middle, most = (
        HighBoostView(amount, limits=None)(images).var(dim=(1, 2, 3))
        for amount in ((0.5, 0.5), (0.5, 2.0), (2.0, 2.0))
    )
    assert (images.var(dim=(1, 2, 3)) < least).all()
    assert (least <= middle).all() and (middle <= most).all()


@pytest.mark.parametrize('limits', [(-1.0, 1.0), (0.0, 0.5)])
def test_is_clamped_to_the_limits(limits):
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    torch.manual_seed(1)
    free = HighBoostView(limits=None)(images)
    torch.manual_seed(1)
    held = HighBoostView(limits=limits)(images)
    assert free.max() > limits[1] and free.min() < limits[0]
    assert torch.equal(held, free.clamp(*limits))


def test_flat_images_stay():
    flat = torch.full((2, 3, 16, 16), 0.4)
    torch.testing.assert_close(HighBoostView()(flat), flat)


def test_next_to_no_amount_is_the_image():
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(HighBoostView(amount=(0.0, 1e-7))(images), images)


@pytest.mark.parametrize(
    'arguments', [dict(amount=(0.0, 0.0)), dict(limits=(0.0, 0.0)), dict(sigma=float('inf'))]
)
def test_refuses_what_does_nothing(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        HighBoostView(**arguments)


def test_gradient_against_finite_difference():
    module = HighBoostView(limits=None)

    def seeded(x):
        torch.manual_seed(3)
        return module(x)

    images = torch.randn(2, 1, 7, 8, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(seeded, (images,))


def test_same_seed_same_view_and_leaves_the_input():
    check_draws_follow_the_seed(HighBoostView(), torch.rand(2, 3, 16, 16) * 2 - 1)


def test_is_registered_with_the_documented_defaults():
    module = MODELS.build(dict(type='mmfncontra.HighBoostView'))
    assert module.acts_on == 'images'
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    torch.manual_seed(1)
    found = module(images)
    torch.manual_seed(1)
    explicit = HighBoostView(amount=(0.5, 2.0), sigma=1.0, limits=(-1.0, 1.0))(images)
    assert torch.equal(found, explicit) and found.abs().max() == 1


@pytest.mark.parametrize(
    'amount', [(2.0, 0.5), (-0.5, 1.0), (1.0,), (1.0, 2.0, 3.0), (float('nan'), 1.0)]
)
def test_refuses_amount(amount):
    with pytest.raises(ValueError, match='amount must'):
        HighBoostView(amount=amount)


def test_refuses_images_smaller_than_the_blur():
    with pytest.raises(ValueError, match='too small'):
        HighBoostView(sigma=5.0)(torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize('sigma', [0, -1.0, float('nan')])
def test_refuses_sigma(sigma):
    with pytest.raises(ValueError, match='sigma must'):
        HighBoostView(sigma=sigma)


@pytest.mark.parametrize('limits', [(1.0, -1.0), (1.0,), (float('nan'), 1.0)])
def test_refuses_limits(limits):
    with pytest.raises(ValueError, match='limits must'):
        HighBoostView(limits=limits)
