import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from mmfncontra.models.negatives import LowPassNegatives
from mmfncontra.registry import MODELS

SIZE = 65


def impulses(count, channels=1):
    images = torch.zeros(count, channels, SIZE, SIZE)
    images[:, :, SIZE // 2, SIZE // 2] = 1
    return images


def sigma_of(response):
    """σ of a sampled Gaussian from its first two values: exp(-1 / 2σ²), however it is cut off."""
    middle = SIZE // 2
    ratio = float(response[middle, middle + 1]) / float(response[middle, middle])
    return (-0.5 / np.log(ratio)) ** 0.5


def radius_of(responses):
    return int(torch.nonzero(responses[..., SIZE // 2, :].amax(dim=(0, 1))).max()) - SIZE // 2


def kernel(sigma, radius):
    values = np.array([np.exp(-(k**2) / (2 * sigma**2)) for k in range(-radius, radius + 1)])
    return values / values.sum()


def test_levels_by_name():
    module = LowPassNegatives(num=4)
    assert tuple(module.LEVELS) == ('blur1', 'blur2', 'blur3', 'blur4')
    images = torch.randn(2, 3, 32, 24)
    negatives = module(images)
    assert tuple(negatives) == tuple(module.LEVELS)
    assert all(x.shape == images.shape and x.dtype == images.dtype for x in negatives.values())
    assert tuple(LowPassNegatives(num=1)(images)) == ('blur1',)


def test_sigmas_are_uniform_in_the_range_by_image_and_level():
    negatives = LowPassNegatives(num=3, sigma=(0.8, 3.0))(impulses(150))
    drawn = np.array([[sigma_of(x[0]) for x in level] for level in negatives.values()])
    assert drawn.min() > 0.8 - 1e-3 and drawn.max() < 3.0 + 1e-3
    assert len(np.unique(drawn.round(4))) > 0.98 * drawn.size
    for level in drawn:
        assert stats.kstest(level, stats.uniform(0.8, 2.2).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(drawn)[np.triu_indices(3, 1)]).max() < 0.3


def test_equal_scipy_at_the_sigma_that_was_drawn():
    """The same seed draws the same blurs for an impulse, which shows them, and for an image."""
    images = torch.randn(4, 3, SIZE, SIZE)
    module = LowPassNegatives(num=2, sigma=(0.8, 3.0))
    torch.manual_seed(5)
    shown = module(impulses(4, 3))
    torch.manual_seed(5)
    found = module(images)
    for name in module.LEVELS:
        # The tails of the narrow kernels are too small to be seen, those of a wide one are not.
        radius = max(radius_of(x) for x in shown.values())
        assert radius >= 2 * 3.0
        for i in range(4):
            k = kernel(sigma_of(shown[name][i, 0]), radius)
            rows = ndimage.correlate1d(images[i].double().numpy(), k, axis=1, mode='mirror')
            expected = ndimage.correlate1d(rows, k, axis=2, mode='mirror')
            np.testing.assert_allclose(found[name][i].numpy(), expected, rtol=0, atol=1e-4)


def test_between_the_blurs_at_the_bounds():
    images = torch.randn(20, 1, 48, 48)

    def roughness(x):
        return x.var(dim=(1, 2, 3))

    least = LowPassNegatives(num=1, sigma=(0.8, 0.8))(images)['blur1']
    most = LowPassNegatives(num=1, sigma=(3.0, 3.0))(images)['blur1']
    for x in LowPassNegatives(num=3, sigma=(0.8, 3.0))(images).values():
        assert (roughness(most) <= roughness(x)).all() and (roughness(x) <= roughness(least)).all()
    assert (roughness(least) < roughness(images)).all()


def test_fixed_sigma_equals_scipy():
    images = torch.randn(2, 3, 33, 40)
    found = LowPassNegatives(num=2, sigma=(1.5, 1.5))(images)
    expected = ndimage.gaussian_filter(
        images.double().numpy(), 1.5, axes=(2, 3), mode='mirror', truncate=6
    )
    for x in found.values():
        # What is cut off beyond the radius stays below a percent of the range.
        np.testing.assert_allclose(x.numpy(), expected, rtol=0, atol=0.02)
        assert torch.equal(x, found['blur1'])


def test_same_for_every_channel_and_leaves_the_images():
    images = torch.randn(2, 1, 32, 32).repeat(1, 3, 1, 1)
    kept = images.clone()
    for x in LowPassNegatives()(images).values():
        torch.testing.assert_close(x[:, 0], x[:, 1])
        torch.testing.assert_close(x[:, 0], x[:, 2])
    assert torch.equal(images, kept)


def test_refuses_images_smaller_than_the_blur():
    with pytest.raises(ValueError, match='too small'):
        LowPassNegatives(sigma=(0.8, 20.0))(torch.zeros(1, 3, 16, 16))


def test_flat_images_stay_and_the_range_is_kept():
    flat = torch.full((2, 3, 32, 32), -0.25)
    for x in LowPassNegatives()(flat).values():
        torch.testing.assert_close(x, flat)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    for x in LowPassNegatives()(images).values():
        assert x.abs().max() <= 1 and x.var() < images.var()


def test_same_seed_same_blurs():
    module, images, drawn = LowPassNegatives(), torch.randn(2, 3, 32, 32), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(module(images))
    for name in module.LEVELS:
        assert torch.equal(drawn[0][name], drawn[1][name])
        assert not torch.allclose(drawn[0][name], drawn[2][name])


def test_gradient_flows_to_the_images():
    images = torch.randn(2, 1, 24, 24, requires_grad=True)
    blurred = torch.stack([*LowPassNegatives(num=2)(images).values()])
    upstream = torch.randn_like(blurred)
    gradient = torch.autograd.grad((blurred * upstream).sum(), images)[0]
    # Linear: the value is the product of the gradient and the images.
    torch.testing.assert_close((gradient * images).sum(), (blurred * upstream).sum(), rtol=1e-3,
                               atol=1e-4)  # fmt: skip


def test_is_registered_with_the_documented_defaults():
    module = MODELS.build(dict(type='mmfncontra.LowPassNegatives'))
    assert isinstance(module, LowPassNegatives)
    assert tuple(module.LEVELS) == ('blur1', 'blur2', 'blur3')
    drawn = [sigma_of(x[0]) for level in module(impulses(60)).values() for x in level]
    assert 0.799 < min(drawn) < 1.0 and 2.8 < max(drawn) < 3.001


@pytest.mark.parametrize('num', [0, -1, 2.5])
def test_refuses_num(num):
    with pytest.raises(ValueError, match='num must be'):
        LowPassNegatives(num=num)


@pytest.mark.parametrize(
    'sigma', [(3.0, 0.8), (0.0, 1.0), (-1.0, 1.0), (1.0,), (1.0, 2.0, 3.0), (float('nan'), 1.0)]
)
def test_refuses_sigma(sigma):
    with pytest.raises(ValueError, match='sigma must'):
        LowPassNegatives(sigma=sigma)
