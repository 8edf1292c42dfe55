"""Metrics against their formula in numpy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.slow


@pytest.fixture
def pair():
    """Two images in 0 to 255, (3, H, W)."""
    rng = np.random.default_rng(0)
    image = gaussian_filter(rng.uniform(size=(3, 40, 48)), (0, 2, 2))
    image = (image - image.min()) / (image.max() - image.min()) * 255
    noisy = np.clip(image + rng.normal(scale=12, size=image.shape), 0, 255)
    return image.round().astype(np.uint8), noisy.round().astype(np.uint8)


def mean_square(image, other):
    return np.square(image.astype(float) - other).mean()


def structure(image, other):
    """SSIM of Wang et al. 2004 with a Gaussian window of 11 pixels, the mean over the channels."""
    x, y = image.astype(float), other.astype(float)

    def window(values):
        return gaussian_filter(values, (0, 1.5, 1.5), radius=5)[:, 5:-5, 5:-5]

    mean_x, mean_y = window(x), window(y)
    var_x, var_y = window(x * x) - mean_x**2, window(y * y) - mean_y**2
    cov = window(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.mean(
        (2 * mean_x * mean_y + c1)
        * (2 * cov + c2)
        / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    )


FORMULAS = {
    'MAE': lambda x, y: np.abs(x.astype(float) - y).mean() / 255,
    'MSE': lambda x, y: mean_square(x, y) / 255**2,
    'PSNR': lambda x, y: 10 * np.log10(255**2 / mean_square(x, y)),
    'SNR': lambda x, y: 10 * np.log10(np.square(x.astype(float)).mean() / mean_square(x, y)),
    'SSIM': structure,
}


@pytest.mark.parametrize('name', FORMULAS)
def test_equals_its_formula(pair, name):
    from mmagic.registry import METRICS

    metric = METRICS.build(dict(type=name))
    both = [pair, pair[::-1]]
    found = [
        dict(gt_img=torch.tensor(x), output=dict(pred_img=torch.tensor(y.copy()).float()))
        for x, y in both
    ]
    metric.process(None, found)
    expected = np.mean([FORMULAS[name](x, y) for x, y in both])
    np.testing.assert_allclose(metric.compute_metrics(metric.results)[name], expected, rtol=1e-4)


def test_borders_and_luminance(pair):
    from mmagic.evaluation.metrics import psnr

    image, other = pair
    inside = psnr(image, other, crop_border=4, input_order='CHW')
    expected = FORMULAS['PSNR'](image[:, 4:-4, 4:-4], other[:, 4:-4, 4:-4])
    np.testing.assert_allclose(inside, expected, rtol=1e-4)
    weights = np.array([65.481, 128.553, 24.966]) / 255  # ITU-R BT.601
    luminance = [np.tensordot(weights, x.astype(float), 1) for x in pair]
    found = psnr(image, other, input_order='CHW', convert_to='Y', channel_order='rgb')
    np.testing.assert_allclose(found, FORMULAS['PSNR'](*luminance), rtol=1e-3)
    assert psnr(image, image, input_order='CHW') == float('inf')


def test_scales_and_natural_scenes(pair):
    from mmagic.evaluation.metrics import niqe
    from mmagic.evaluation.metrics.ms_ssim import ms_ssim

    images = [np.tile(x.transpose(1, 2, 0), (1, 5, 4, 1))[:, :192] for x in pair]
    assert ms_ssim(images[0], images[0]) == pytest.approx(1)
    assert 0.3 < ms_ssim(*images) < 1
    assert np.isfinite(niqe(images[0][0], 0)) and niqe(images[0][0], 0) != niqe(images[1][0], 0)
