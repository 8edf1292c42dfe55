"""Batches against the images made one by one."""

import random

import numpy as np
import pytest
import torch
from test_images import _fastgan
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from toy_gan import ToyGenerator

from mmfncontra.models.network_facts import evaluating
from mmfncontra.models.sampling import (
    ImageRenderer,
    calibrate_batchnorm,
    iterate_pixels,
    sample_images,
    to_arrays,
)
from mmfncontra.utils.rng import isolated_rng

CPU = torch.device('cpu')


class Noisy(nn.Module):
    """Pixels are noise values, plus what ``draw`` draws for this noise."""

    noise_size = 3

    def __init__(self, draw) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((), 0.1))
        self.draw, self.sizes = draw, []

    def forward(self, noise):
        self.sizes.append(len(noise))
        return self.scale * (noise[:, :, None, None] + self.draw(noise[:, :, None, None]))


class Injected(nn.Module):
    """Noise as StyleGAN2's layers draw it."""

    noise_size = 4

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))

    def forward(self, noise):
        x = noise[:, :, None, None].expand(-1, -1, 6, 6)
        for layer in self.layers:
            x = layer(x)
            x = x + x.new_empty(len(x), 1, 6, 6).normal_()
        return x[:, :3]


def _calibrated():
    return calibrate_batchnorm(_fastgan())  # images neither black nor white


def _one_by_one(generator, num, seed):
    """Images as they are defined: a forward pass for each, after seeding everything."""
    stream = torch.Generator().manual_seed(seed)
    images = []
    with torch.no_grad(), evaluating(generator):
        for _ in range(num):
            noise = torch.randn(1, generator.noise_size, generator=stream)
            with isolated_rng(int(torch.randint(2**62, (1,), generator=stream))):
                output = generator(noise)
            images.append(output if isinstance(output, torch.Tensor) else output[0])
    return torch.cat(images)


def _noise(generator, num, seed):
    stream = torch.Generator().manual_seed(seed)
    noise, seeds = [], []
    for _ in range(num):
        noise.append(torch.randn(generator.noise_size, generator=stream))
        seeds.append(int(torch.randint(2**62, (1,), generator=stream)))
    return torch.stack(noise), seeds


@torch.no_grad()
def _rendered(generator, num, seed):
    render = ImageRenderer(generator, CPU)
    with evaluating(generator), isolated_rng(0):
        return render, render(*_noise(generator, num, seed), {})


@pytest.mark.parametrize(
    'make', [_calibrated, Injected, ToyGenerator, lambda: ToyGenerator(noisy=True)]
)
def test_batches_are_the_images_made_one_by_one(make):
    generator = make()
    expected = _one_by_one(generator, 7, seed=5)
    render, images = _rendered(generator, 7, seed=5)
    assert not render.one_by_one
    torch.testing.assert_close(images, expected, rtol=1e-3, atol=1e-4)
    for batch_size in (1, 3, 7):
        found = sample_images(generator, 7, seed=5, batch_size=batch_size)
        assert np.abs(found.astype(int) - to_arrays(expected)).max() <= 1


PER_IMAGE = [
    lambda x: torch.randn_like(x) + torch.rand(len(x), 1, 1, 1, device=x.device),
    lambda x: x.new_empty(x.shape).normal_(),
]
SHARED = [
    lambda x: torch.randn(()),
    lambda x: torch.randn(1, 1, 2, 2),
    lambda x: torch.randn(4, 3, 1, 1)[: len(x)],  # as long as the batch by chance
    lambda x: torch.randn_like(x) + torch.randn(3, 1, 1),
    lambda x: torch.randperm(3).view(3, 1, 1).float(),
    lambda x: random.random(),
    lambda x: np.random.rand(),
    lambda x: torch.randn_like(x) if len(x) == 1 else torch.zeros_like(x),
    lambda x: torch.randn_like(x) if len(x) > 1 else torch.zeros_like(x),
]


@pytest.mark.parametrize('draw', PER_IMAGE)
def test_per_image_draws_are_exact(draw):
    generator = Noisy(draw)
    expected = _one_by_one(generator, 4, seed=1)
    generator.sizes.clear()
    render, images = _rendered(generator, 4, seed=1)
    assert torch.equal(images, expected)
    assert not render.one_by_one and generator.sizes == [1, 4]


@pytest.mark.parametrize('draw', SHARED)
def test_other_draws_are_made_one_by_one(draw):
    generator = Noisy(draw)
    expected = _one_by_one(generator, 9, seed=2)
    for batch_size in (1, 3, 4, 9):
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
        images = sample_images(generator, 9, seed=2, batch_size=batch_size)
        np.testing.assert_array_equal(images, to_arrays(expected))
        assert torch.equal(torch.get_rng_state(), before[0]) and random.getstate() == before[1]
        np.testing.assert_array_equal(np.random.get_state()[1], before[2])


class TooLarge(Noisy):
    def forward(self, noise):
        if len(noise) > self.limit:
            raise torch.OutOfMemoryError('out of memory')
        return super().forward(noise)


def test_batches_that_do_not_fit_are_made_in_parts():
    generator = TooLarge(PER_IMAGE[0])
    generator.limit = 3
    expected = to_arrays(_one_by_one(generator, 10, seed=0))
    generator.sizes.clear()
    batches = [arrays for _, arrays in iterate_pixels(generator, 10, batch_size=8, num_arrays=10)]
    assert [len(batch) for batch in batches] == [8, 2]
    np.testing.assert_array_equal(np.concatenate(batches), expected)
    assert generator.sizes == [1, 2, 2, 2, 2, 2]  # 8 and 4 were refused, once
    generator.limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        sample_images(generator, 1)


class NoWaiting(TorchDispatchMode):
    """Refuses what would make the host wait for a GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        waits = ('_local_scalar_dense', 'item', 'nonzero', 'equal', 'is_nonzero', 'masked_select')
        assert func.overloadpacket.__name__ not in waits, func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize('make', [_fastgan, Injected, ToyGenerator])
def test_nothing_waits_for_a_batch(make):
    generator = make().eval()
    noise, seeds = _noise(generator, 3, seed=0)
    with NoWaiting(), torch.no_grad(), isolated_rng(0):
        render = ImageRenderer(generator, CPU)
        render(noise, seeds, {})
    assert not render.one_by_one


def test_lower_precision():
    generator = _calibrated()
    full = sample_images(generator, 4)
    for precision, most in dict(bfloat16=4, float16=0.5).items():
        low = sample_images(generator, 4, precision=precision)
        assert not np.array_equal(full, low)
        assert np.abs(full.astype(int) - low.astype(int)).mean() < most, precision
    with pytest.raises(ValueError, match=r'precision must be one of float32, .* got .half'):
        sample_images(generator, 4, precision='half')


@pytest.mark.gpu
@pytest.mark.parametrize('make', [_calibrated, Injected, lambda: Noisy(PER_IMAGE[0])])
def test_a_gpu_makes_the_same_images_in_any_batch(make):
    generator = make().cuda()
    render = ImageRenderer(generator, torch.device('cuda'))
    noise, seeds = _noise(generator, 6, seed=3)
    with (
        torch.no_grad(),
        evaluating(generator),
        torch.backends.cudnn.flags(allow_tf32=False),
        isolated_rng(0, 'cuda'),
    ):
        images = render(noise.cuda(), seeds, {})
        assert not render.one_by_one
        render.one_by_one = True
        alone = render(noise.cuda(), seeds, {})
    torch.testing.assert_close(images, alone, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
def test_a_gpu_takes_as_many_as_fit_and_yields_all_in_order():
    generator = _calibrated().cuda()
    state = torch.cuda.get_rng_state()
    images = sample_images(generator, 300, seed=1)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert np.abs(images.astype(int) - sample_images(generator, 300, 1, 16).astype(int)).max() <= 2
    batches = list(iterate_pixels(generator, 300, seed=1, num_arrays=130))
    assert all(pixels.is_cuda and pixels.dtype == torch.uint8 for pixels, _ in batches)
    assert [arrays is not None for _, arrays in batches] == [True, True, False]
    np.testing.assert_array_equal(torch.cat([p for p, _ in batches]).cpu().numpy(), images)
    np.testing.assert_array_equal(batches[1][1], images[128:256])
