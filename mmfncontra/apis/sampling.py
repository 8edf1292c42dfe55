"""Images from a generator, each a function of its seed and number alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def _device_of(generator: nn.Module, device: torch.device | str | None) -> torch.device:
    if device is not None:
        return torch.device(device)
    return next(generator.parameters()).device


def _noise_size(generator: nn.Module) -> int:
    size = getattr(generator, 'noise_size', None)
    if not isinstance(size, int):
        raise ValueError(
            f'generator must say the length of its noise in noise_size, '
            f'but {type(generator).__name__} has noise_size={size!r}'
        )
    return size


def _check_positive(**values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f'{name} must be a positive integer, but got {value!r}')


def _rng_state(device: torch.device) -> Tensor:
    if device.type == 'cuda':
        return torch.cuda.get_rng_state(device)
    return torch.get_rng_state()


@contextmanager
def _forked_rng(device: torch.device) -> Iterator[None]:
    devices = [device] if device.type == 'cuda' else []
    with torch.random.fork_rng(devices=devices):
        yield


def _seed(seed: int, device: torch.device) -> None:
    # `torch.manual_seed` would reach the other GPUs too, whose states are not kept.
    torch.default_generator.manual_seed(seed)
    if device.type == 'cuda':
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


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


def _to_uint8(images: Tensor) -> np.ndarray:
    if not images.isfinite().all():
        raise ValueError(
            'generator returned values that are not finite: its weights have diverged; '
            'take an earlier checkpoint'
        )
    images = images.float().clamp(-1, 1).add(1).mul(127.5).round()
    return images.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


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
    _check_positive(num=num, batch_size=batch_size)
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
        with _evaluating(generator), _forked_rng(device):
            if noisy is None:
                _seed(seeds[0], device)
                before = _rng_state(device)
                generator(noise[:1])
                noisy = not torch.equal(before, _rng_state(device))
            if noisy:
                # Maps drawn for a whole batch would depend on its size.
                images = []
                for z, image_seed in zip(noise.unsqueeze(1), seeds, strict=True):
                    _seed(image_seed, device)
                    images.append(_big_image(generator(z)))
                images = torch.cat(images)
            else:
                images = _big_image(generator(noise))
        done += len(noise)
        yield _to_uint8(images)


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
    _check_positive(num_batches=num_batches, batch_size=batch_size)
    if batch_size < 2:
        raise ValueError('batch_size must be at least 2: one vector has no variance, but got 1')
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
    with _evaluating(generator), _forked_rng(device):
        _seed(seed, device)
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
