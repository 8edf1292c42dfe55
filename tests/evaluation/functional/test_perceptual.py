import itertools

import numpy as np
import pytest
import torch
from torch import nn

from mmfncontra.evaluation.features import LPIPSDistance
from mmfncontra.evaluation.functional.perceptual import lpips_diversity, perceptual_path_length
from mmfncontra.models.sampling.images import from_arrays


class PixelDistance:
    """Stands in for the network: the squared difference of pixels."""

    def __call__(self, x, y):
        return (x - y).square().flatten(1).sum(dim=1)

    def embed(self, images):
        return images.flatten(1)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)


def _mean_of_pairs(images, distance):
    batch = from_arrays(images)
    pairs = itertools.combinations(range(len(images)), 2)
    return np.mean([distance(batch[i, None], batch[j, None]).item() for i, j in pairs])


def test_diversity_is_the_mean_over_all_pairs(images, vgg16_file):
    for distance, count in ((LPIPSDistance(vgg16_file), 5), (PixelDistance(), 7)):
        expected = _mean_of_pairs(images[:count], distance)
        ours = lpips_diversity(images[:count], distance, batch_size=2)
        assert ours == pytest.approx(expected, rel=1e-4)


def test_sampled_pairs_are_different_ones(images):
    distance = PixelDistance()
    every = lpips_diversity(images, distance, num_pairs=21, batch_size=4)
    assert every == pytest.approx(lpips_diversity(images, distance), rel=1e-5)
    some = [lpips_diversity(images, distance, num_pairs=5, seed=seed) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2]
    singles = {
        round(lpips_diversity(images[[i, j]], distance), 3) for i in range(7) for j in range(i)
    }
    assert round(lpips_diversity(images, distance, num_pairs=1), 3) in singles


def test_collapse_has_no_diversity(images, vgg16_file):
    same = np.repeat(images[:1], 5, axis=0)
    assert lpips_diversity(same, PixelDistance()) == 0
    assert lpips_diversity(same, LPIPSDistance(vgg16_file)) == pytest.approx(0, abs=1e-9)


def test_diversity_checks_arguments(images):
    with pytest.raises(ValueError, match='images must be 2 or more, got 1'):
        lpips_diversity(images[:1], PixelDistance())
    with pytest.raises(ValueError, match='num_pairs must be at most 21 for 7 images, got 22'):
        lpips_diversity(images, PixelDistance(), num_pairs=22)
    with pytest.raises(ValueError, match='uint8'):
        lpips_diversity(images / 255, PixelDistance())


class StyleToy(nn.Module):
    """Pixels are a linear map of W, plus injected noise."""

    noise_size = 4

    def __init__(self, side=16):
        super().__init__()
        self.style_mapping = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
        self.synthesis = nn.Linear(4, 3, bias=False)
        self.side = side

    def forward(self, noise):
        colour = self.synthesis(self.style_mapping(noise))[:, :, None, None]
        images = colour.expand(-1, -1, self.side, self.side)
        return images + torch.randn_like(images) * (1 if self.training else 0.3)


def test_path_length_of_a_linear_synthesis():
    generator, epsilon = StyleToy().train(), 1e-2
    stream = torch.Generator().manual_seed(5)
    lengths = []
    for count in (100, 100, 50):
        z0, z1 = torch.randn(2, count, 4, generator=stream)
        step = generator.style_mapping(z1) - generator.style_mapping(z0)
        lengths += (generator.synthesis(step).square().sum(dim=1) * 16**2).tolist()
    kept = sorted(lengths)[2:-2]
    state = torch.get_rng_state()
    result = perceptual_path_length(generator, PixelDistance(), 250, epsilon, 100, seed=5)
    assert result == pytest.approx(dict(mean=np.mean(kept), std=np.std(kept)), rel=1e-3)
    assert generator.training and torch.equal(state, torch.get_rng_state())


def test_path_length_of_stylegan2(vgg16_file):
    from mmfncontra.models.gans import StyleGAN2Generator

    generator = StyleGAN2Generator(out_size=16, style_channels=16, num_mlps=1).eval()
    distance = LPIPSDistance(vgg16_file)
    result = perceptual_path_length(generator, distance, 4, epsilon=1e-2, batch_size=2)
    finer = perceptual_path_length(generator, distance, 4, epsilon=5e-3, batch_size=2)
    assert 0 < result['mean'] == pytest.approx(finer['mean'], rel=0.2)  # a limit is approached
    assert result == perceptual_path_length(generator, distance, 4, epsilon=1e-2, batch_size=2)


def test_large_images_are_reduced():
    seen = []

    class Spy(PixelDistance):
        def __call__(self, x, y):
            seen.append(x.shape[-1])
            return super().__call__(x, y)

    for side in (16, 300, 512):
        perceptual_path_length(StyleToy(side), Spy(), 2)
    assert seen == [16, 300, 256]


def test_path_length_checks_arguments():
    with pytest.raises(ValueError, match=r'generator must have a style_mapping .*got Identity'):
        perceptual_path_length(nn.Identity(), PixelDistance())
    with pytest.raises(ValueError, match=r'epsilon must be in \(0, 1\), got 0'):
        perceptual_path_length(StyleToy(), PixelDistance(), epsilon=0)
    with pytest.raises(ValueError, match='num must be'):
        perceptual_path_length(StyleToy(), PixelDistance(), num=0)
