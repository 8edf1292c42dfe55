import numpy as np
import pytest
import torch
from torch import nn
from toy_gan import ToyGenerator

from mmfncontra.models.archs import FastGANGenerator
from mmfncontra.models.sampling import (
    calibrate_batchnorm,
    iterate_images,
    sample_images,
    to_arrays,
    to_uint8,
)


class Affine(nn.Module):
    """Pixels are noise values: what went in is what comes out."""

    noise_size = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, noise):
        return self.scale * noise[:, :, None, None].expand(-1, -1, 2, 2)


def _fastgan():
    generator = FastGANGenerator(out_size=64, base_channels=4, noise_size=8)
    for name, parameter in generator.named_parameters():
        if parameter.shape == (1,) and name.endswith('weight'):
            nn.init.constant_(parameter, 0.5)  # strengths of the injected noise
    return generator


@pytest.mark.parametrize('make', [Affine, ToyGenerator, lambda: ToyGenerator(noisy=True), _fastgan])
def test_an_image_depends_on_seed_and_number_only(make):
    generator = make()
    images = sample_images(generator, 7, seed=3, batch_size=3)
    assert images.dtype == np.uint8 and images.shape[0] == 7 and images.shape[-1] == 3
    torch.manual_seed(99)
    other = sample_images(generator, 5, seed=3, batch_size=4)
    # One step of rounding: a convolution may sum a batch of another size in another order.
    assert np.abs(images[:5].astype(int) - other.astype(int)).max() <= 1
    np.testing.assert_array_equal(images, sample_images(generator, 7, seed=3, batch_size=3))
    assert not np.array_equal(images, sample_images(generator, 7, seed=4, batch_size=3))
    assert len(np.unique(images.reshape(7, -1), axis=0)) == 7


def test_injected_noise_takes_part():
    generator = ToyGenerator(noisy=True)
    noisy = sample_images(generator, 2)
    generator.noisy = False
    assert not np.array_equal(noisy, sample_images(generator, 2))


def test_values_clamped_and_rounded():
    stream = torch.Generator().manual_seed(0)
    z = torch.randn(3, generator=stream)
    expected = [round((min(max(v, -1), 1) + 1) * 127.5) for v in z.tolist()]
    assert sample_images(Affine(), 1)[0, 0, 0].tolist() == expected


def test_modes_and_global_randomness_are_kept():
    generator = ToyGenerator(noisy=True)
    generator.body[2].eval()
    modes = [module.training for module in generator.modules()]
    state = torch.get_rng_state()
    sample_images(generator, 3)
    calibrate_batchnorm(generator, 2, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in generator.modules()] == modes
    assert all(p.grad is None for p in generator.parameters())


def test_pixels_of_a_value():
    images = torch.tensor([-2, -1, -0.5, 1, 3]).view(1, 1, 1, 5).expand(2, 3, 4, 5)
    pixels = to_uint8(images)
    assert pixels.dtype == torch.uint8 and pixels.shape == (2, 3, 4, 5)
    assert pixels[0, 0, 0].tolist() == [0, 0, 64, 255, 255]
    np.testing.assert_array_equal(to_arrays(images), pixels.numpy().transpose(0, 2, 3, 1))


def test_batches_are_sized_as_asked():
    assert [len(b) for b in iterate_images(Affine(), 5, batch_size=2)] == [2, 2, 1]


def test_diverged_generator_is_named():
    generator = Affine()
    nn.init.constant_(generator.scale, float('nan'))
    with pytest.raises(ValueError, match='not finite'):
        sample_images(generator, 1)


@pytest.mark.parametrize('bad', [dict(num=0), dict(num=1, batch_size=0)])
def test_counts_are_checked(bad):
    with pytest.raises(ValueError, match='must be a positive integer'):
        sample_images(Affine(), **bad)


def test_calibrated_statistics_are_means_over_batches():
    generator = ToyGenerator()
    norm = generator.body[2]
    calibrate_batchnorm(generator, num_batches=3, batch_size=5, seed=7)
    generator.eval()
    torch.manual_seed(7)
    means, variances = [], []
    for _ in range(3):
        x = generator.body[:2](torch.randn(5, 4))
        means.append(x.mean((0, 2, 3)))
        variances.append(x.transpose(0, 1).flatten(1).var(1))
    torch.testing.assert_close(norm.running_mean, torch.stack(means).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack(variances).mean(0))
    assert norm.momentum == 0.1


def test_calibration_changes_buffers_of_batchnorm_only_and_repeats():
    generator = _fastgan()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    calibrate_batchnorm(generator, 2, 4)
    first = {name: value.clone() for name, value in generator.state_dict().items()}
    changed = {name for name in before if not torch.equal(before[name], first[name])}
    assert changed and all(
        name.endswith(('running_mean', 'running_var', 'num_batches_tracked')) for name in changed
    )
    calibrate_batchnorm(generator, 2, 4)
    for name, value in generator.state_dict().items():
        assert torch.equal(value, first[name]), name


def test_calibration_mends_foreign_statistics():
    generator = ToyGenerator()
    norm = generator.body[2]
    norm.running_mean.fill_(30.0)
    norm.running_var.fill_(900.0)
    grey = sample_images(generator, 8)
    alive = sample_images(calibrate_batchnorm(generator), 8)
    assert grey.std(0).mean() < 0.2 * alive.std(0).mean()


def test_a_generator_without_batchnorm_is_left_alone():
    generator = Affine()
    state = torch.get_rng_state()
    assert calibrate_batchnorm(generator) is generator
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize('bad', [dict(num_batches=0), dict(batch_size=1)])
def test_calibration_checks_its_counts(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        calibrate_batchnorm(ToyGenerator(), **bad)


class Conditional(Affine):
    """Class k makes pixels of value k / 2."""

    num_classes = 3

    def forward(self, noise, label):
        return self.scale * (label / 2 - 0.5).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def test_classes_are_drawn_evenly_and_belong_to_their_image():
    generator = Conditional()
    images = sample_images(generator, 300, batch_size=7)
    assert np.array_equal(images[:40], sample_images(generator, 40, batch_size=16))
    counts = np.bincount(np.searchsorted([100, 150], images[:, 0, 0, 0]), minlength=3)
    assert counts.min() > 75
    assert (sample_images(generator, 5, label=2) == 191).all()
    for label in (3, -1):
        with pytest.raises(ValueError, match='label must be from 0 to 2 for Conditional'):
            sample_images(generator, 1, label=label)
    with pytest.raises(ValueError, match='label must be left out for Affine of 0 classes, got 1'):
        sample_images(Affine(), 1, label=1)


class Styled(Affine):
    """Pixels are noise values, drawn towards ``w_avg``."""

    w_avg = 0.5

    def forward(self, noise, truncation=1.0):
        return super().forward(self.w_avg + truncation * (noise - self.w_avg))


def test_truncation():
    full = sample_images(Styled(), 50).astype(float)
    half = sample_images(Styled(), 50, truncation=0.5).astype(float)
    inside = (full > 0) & (full < 255)
    mean = (0.5 + 1) * 127.5
    np.testing.assert_allclose((half - mean)[inside], (full - mean)[inside] / 2, atol=1.1)
    with pytest.raises(ValueError, match='truncation must be 1 for Affine'):
        sample_images(Affine(), 1, truncation=0.5)
