"""Images from a generator, each a function of its seed and number alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.rng import isolated_rng, seed_torch


def _device_of(generator: nn.Module, device: torch.device | str | None) -> torch.device:
    if device is not None:
        return torch.device(device)
    return next(generator.parameters()).device


def _noise_size(generator: nn.Module) -> int:
    size = getattr(generator, 'noise_size', None)
    if not isinstance(size, int):
        raise ValueError(
            f'generator must say the length of its noise in noise_size, '
            f'got {type(generator).__name__} with noise_size={size!r}'
        )
    return size


def _rng_state(device: torch.device) -> Tensor:
    if device.type == 'cuda':
        return torch.cuda.get_rng_state(device)
    return torch.get_rng_state()


@contextmanager
def _evaluating(generator: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards the mode every module had."""
    modes = {module: module.training for module in generator.modules()}
    generator.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _big_image(output: Tensor | list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


def _check_finite(images: Tensor) -> Tensor:
    if not images.isfinite().all():
        raise ValueError(
            'generator returned values that are not finite: its weights have diverged; '
            'take an earlier checkpoint'
        )
    return images


def to_uint8(images: Tensor) -> Tensor:
    """Round images to pixels.

    Args:
        images: (B, 3, H, W), floating point, in [-1, 1]; values outside are clamped.

    Returns:
        (B, 3, H, W), uint8, in [0, 255], on the same device.

    Example:
        >>> import torch
        >>> to_uint8(torch.tensor([-1.5, -1, 0, 1])).tolist()
        [0, 0, 128, 255]
    """
    return images.float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def to_arrays(images: Tensor) -> np.ndarray:
    """Move images to the host, as files and plots take them.

    Args:
        images: (B, 3, H, W), floating point, in [-1, 1]; values outside are clamped.

    Returns:
        uint8 RGB, (B, H, W, 3).
    """
    return to_uint8(images).permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def iterate_images(
    generator: nn.Module,
    num: int,
    seed: int = 0,
    batch_size: int = 16,
    device: torch.device | str | None = None,
) -> Iterator[np.ndarray]:
    """Yield the images of :func:`sample_images` batch by batch, for more than fit in memory.

    Args:
        generator: See :func:`sample_images`.
        num: Number of images.
        seed: Seed of the sequence.
        batch_size: Images per forward pass.
        device: Where the generator is; default its parameters'.

    Yields:
        uint8 RGB, (B, S, S, 3) with B at most ``batch_size``.

    Raises:
        ValueError: See :func:`sample_images`.
    """
    check_integers(num=num, batch_size=batch_size)
    noise_size = _noise_size(generator)
    device = _device_of(generator, device)
    # One stream, two draws an image: the noise, and a seed for what the network itself draws.
    stream = torch.Generator().manual_seed(seed)

    def draw(count: int) -> tuple[Tensor, list[int]]:
        noise, seeds = [], []
        for _ in range(count):
            noise.append(torch.randn(noise_size, generator=stream))
            seeds.append(int(torch.randint(2**62, (1,), generator=stream)))
        return torch.stack(noise).to(device), seeds

    noisy = None  # whether the generator draws noise of its own, seen at the first image
    done = 0
    while done < num:
        noise, seeds = draw(min(batch_size, num - done))
        with _evaluating(generator), isolated_rng(seeds[0], device):
            if noisy is None:
                before = _rng_state(device)
                generator(noise[:1])
                noisy = not torch.equal(before, _rng_state(device))
            if noisy:
                # Maps drawn for a whole batch would depend on its size.
                images = []
                for z, image_seed in zip(noise.unsqueeze(1), seeds, strict=True):
                    seed_torch(image_seed, device)
                    images.append(_big_image(generator(z)))
                images = torch.cat(images)
            else:
                images = _big_image(generator(noise))
        done += len(noise)
        yield to_arrays(_check_finite(images))


def sample_images(
    generator: nn.Module,
    num: int,
    seed: int = 0,
    batch_size: int = 16,
    device: torch.device | str | None = None,
) -> np.ndarray:
    """Draw images from a generator in evaluation mode.

    Image i depends on ``(seed, i)`` only: neither on ``num`` nor on ``batch_size`` (apart from
    rounding), nor on the state of the global random generators, which is left as it was. The noise
    is drawn on the CPU, so it is the same on every device. A generator that draws noise of its own
    in ``forward`` (FastGAN's noise injection) is run image by image, with a seed for each.

    A generator whose weights are averages has BatchNorm statistics that belong to other weights:
    call :func:`calibrate_batchnorm` once before.

    Args:
        generator: Maps noise (B, ``generator.noise_size``) to images (B, 3, S, S) in
            [-1, 1] (values outside are clamped) or to a list of which they are the first.
        num: Number of images N.
        seed: Seed of the sequence.
        batch_size: Images per forward pass.
        device: Where the generator is; default its parameters'.

    Returns:
        uint8 RGB, (N, S, S, 3).

    Raises:
        ValueError: If a number is not positive, the generator does not say its ``noise_size``, or
            its output is not finite.
    """
    return np.concatenate(list(iterate_images(generator, num, seed, batch_size, device)))


@torch.no_grad()
def calibrate_batchnorm(
    generator: nn.Module, num_batches: int = 16, batch_size: int = 8, seed: int = 0
) -> nn.Module:
    """Re-estimate the running statistics of a generator's BatchNorm layers, in place.

    The moving average of a generator carries copies of another network's statistics: evaluated with
    these, it gives grey images early in a training. Here they become the plain mean over batches of
    noise, passed through the generator itself with batch statistics (as stochastic weight averaging
    does). Afterwards an image depends on its noise alone and not on the batch it is in.

    Only the BatchNorm layers are put into training mode, so that spectral normalisation keeps its
    vectors. Modes, momenta and the global random generators are left as they were. A generator
    without running statistics is left alone. SyncBatchNorm layers need the call on every rank.

    Args:
        generator: See :func:`sample_images`.
        num_batches: Batches of noise.
        batch_size: Noise vectors in a batch, at least 2; about that of the training.
        seed: Seed of the noise.

    Returns:
        The generator.

    Raises:
        ValueError: If ``num_batches`` is not positive or ``batch_size`` below 2.
    """
    check_integers(num_batches=num_batches)
    check_integers(2, batch_size=batch_size)  # one vector has no variance
    layers = [
        module
        for module in generator.modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
    if not layers:
        return generator
    device = _device_of(generator, None)
    noise_size = _noise_size(generator)
    momenta = [layer.momentum for layer in layers]
    with _evaluating(generator), isolated_rng(seed, device):
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # torch's name for the cumulative mean
            layer.train()
        try:
            for _ in range(num_batches):
                generator(torch.randn(batch_size, noise_size).to(device))
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
    return generator
