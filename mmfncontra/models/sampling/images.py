"""Images from a generator, each a function of its seed and number alone."""

import copy
from collections import deque
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfncontra.utils.checks import check_images, check_integers
from mmfncontra.utils.rng import isolated_rng
from mmfncontra.utils.unwrap import unwrap

from ..network_facts import evaluating, noise_size, num_classes
from .renderer import ImageRenderer


def _device_of(generator: nn.Module, device: torch.device | str | None) -> torch.device:
    if device is not None:
        return torch.device(device)
    return next(generator.parameters()).device


def _labels(generator: nn.Module, drawn: Tensor) -> dict[str, Tensor]:
    """Classes for a class-conditional generator, from numbers in [0, 1)."""
    classes = num_classes(generator)
    return dict(label=(drawn * classes).long()) if classes else {}


def copy_generator(model: nn.Module, use_ema: bool = True) -> nn.Module:
    """Copy the generator of a model in training, to sample from without a trace in the training.

    Args:
        model: A GAN with ``generator`` and maybe ``generator_ema``, on one device or distributed.
        use_ema: Take the moving average where there is one.

    Returns:
        The copy, on the same device.
    """
    ema = getattr(unwrap(model), 'generator_ema', None) if use_ema else None
    generator = unwrap(unwrap(model).generator) if ema is None else unwrap(ema).module
    # Spectral norm leaves its normalised weight, part of the last step's graph, on the module;
    # deepcopy refuses such tensors unless it is told what their copies are.
    computed = {
        id(value): value.detach().clone()
        for child in generator.modules()
        for value in vars(child).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    # One rank may sample alone: SyncBatchNorm would wait for the others.
    return revert_sync_batchnorm(copy.deepcopy(generator, computed))


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


def from_arrays(images: np.ndarray) -> Tensor:
    """Images as networks take them.

    Args:
        images: (B, H, W, 3), uint8, RGB.

    Returns:
        (B, 3, H, W), float32, in [-1, 1].

    Raises:
        ValueError: If the images are of another type or shape.

    Example:
        >>> import numpy as np
        >>> from_arrays(np.full((1, 2, 2, 3), 255, np.uint8)).max().item()
        1.0
    """
    check_images(images)
    tensor = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return tensor.float().div(127.5).sub(1)


class _InFlight:
    """A batch on its way: nothing here waits for a GPU before :meth:`land`."""

    def __init__(self, images: Tensor, to_host: bool) -> None:
        is_cuda = images.is_cuda
        self.finite = images.isfinite().all().to('cpu', non_blocking=is_cuda)
        self.pixels = to_uint8(images).permute(0, 2, 3, 1).contiguous()
        # A copy that does not block goes to page-locked memory of its own.
        self.host = self.pixels.to('cpu', non_blocking=is_cuda) if to_host else None
        self.event = torch.cuda.Event() if is_cuda else None
        if self.event is not None:
            self.event.record(torch.cuda.current_stream(images.device))

    def land(self) -> tuple[Tensor, np.ndarray | None]:
        if self.event is not None:
            self.event.synchronize()
        if not self.finite:
            raise ValueError(
                'generator returned values that are not finite: its weights have diverged; '
                'take an earlier checkpoint'
            )
        if self.host is None:
            return self.pixels, None
        # Page-locked memory is scarce: who keeps the arrays is not to keep that.
        return self.pixels, self.host.numpy().copy() if self.event else self.host.numpy()


def iterate_pixels(
    generator: nn.Module,
    num: int,
    seed: int = 0,
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    truncation: float = 1.0,
    label: int | None = None,
    start: int = 0,
    precision: str = 'float32',
    num_arrays: int = 0,
) -> Iterator[tuple[Tensor, np.ndarray | None]]:
    """Yield the images of :func:`sample_images` batch by batch, where they were made.

    On a GPU the next batch is already being made when one is yielded, so that what is done with it
    on the host takes no time from the GPU.

    Args:
        generator: See :func:`sample_images`.
        num: Number of images.
        seed: Seed of the sequence.
        batch_size: See :func:`sample_images`.
        device: Where the generator is; default its parameters'.
        truncation: See :func:`sample_images`.
        label: See :func:`sample_images`.
        start: Number of the first image; those before are not made.
        precision: See :func:`sample_images`.
        num_arrays: Batches that begin before so many images of this call are copied to the host.

    Yields:
        uint8 RGB, (B, S, S, 3) on the device, with B at most ``batch_size``; and the same as an
        array, or ``None``.

    Raises:
        ValueError: See :func:`sample_images`.
    """
    check_integers(num=num)
    if batch_size is not None:
        check_integers(batch_size=batch_size)
    device = _device_of(generator, device)
    length = noise_size(generator)
    fixed = _truncation(generator, truncation)
    _check_label(generator, label)
    render = ImageRenderer(generator, device, precision)
    # One stream, two draws an image: the noise, and a seed for what the network itself draws, which
    # also chooses its class.
    stream = torch.Generator().manual_seed(seed)

    def draw(count: int) -> tuple[Tensor, list[int], dict]:
        noise, seeds = [], []
        for _ in range(count):
            noise.append(torch.randn(length, generator=stream))
            seeds.append(int(torch.randint(2**62, (1,), generator=stream)))
        kwargs = _labels(generator, torch.tensor(seeds).double() / 2**62)
        if label is not None:
            kwargs['label'] = torch.full_like(kwargs['label'], label)
        kwargs = {name: _send(value, device) for name, value in kwargs.items()}
        return _send(torch.stack(noise), device), seeds, kwargs | fixed

    if start:
        draw(start)
    if batch_size is None:
        state = stream.get_state()
        noise, seeds, kwargs = draw(1)
        stream.set_state(state)
        with torch.no_grad(), evaluating(generator), isolated_rng(seed, device):
            batch_size = render.fitting_batch(noise, seeds, kwargs)
    waiting: deque[_InFlight] = deque()
    for done in range(0, num, batch_size):
        noise, seeds, kwargs = draw(min(batch_size, num - done))
        with torch.no_grad(), evaluating(generator), isolated_rng(seeds[0], device):
            waiting.append(_InFlight(render(noise, seeds, kwargs), done < num_arrays))
        if len(waiting) > (1 if device.type == 'cuda' else 0):
            yield waiting.popleft().land()
    while waiting:
        yield waiting.popleft().land()


def _send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to a device without waiting for what it is doing."""
    if device.type == 'cuda':
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def iterate_images(
    generator: nn.Module,
    num: int,
    seed: int = 0,
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    truncation: float = 1.0,
    label: int | None = None,
    start: int = 0,
    precision: str = 'float32',
) -> Iterator[np.ndarray]:
    """Yield the images of :func:`sample_images` batch by batch, for more than fit in memory.

    Args:
        generator: See :func:`sample_images`.
        num: Number of images.
        seed: Seed of the sequence.
        batch_size: See :func:`sample_images`.
        device: Where the generator is; default its parameters'.
        truncation: See :func:`sample_images`.
        label: See :func:`sample_images`.
        start: Number of the first image; those before are not made.
        precision: See :func:`sample_images`.

    Yields:
        uint8 RGB, (B, S, S, 3) with B at most ``batch_size``.

    Raises:
        ValueError: See :func:`sample_images`.
    """
    for _, images in iterate_pixels(
        generator, num, seed, batch_size, device, truncation, label, start, precision, num
    ):
        yield images


def _truncation(generator: nn.Module, truncation: float) -> dict[str, float]:
    if truncation == 1:
        return {}
    if not hasattr(generator, 'w_avg'):
        raise ValueError(
            f'truncation must be 1 for {type(generator).__name__}, which has no mean of W to '
            f'truncate to, got {truncation}'
        )
    return dict(truncation=truncation)


def _check_label(generator: nn.Module, label: int | None) -> None:
    classes = num_classes(generator)
    if label is not None and not 0 <= label < classes:
        allowed = f'from 0 to {classes - 1}' if classes else 'left out'
        raise ValueError(
            f'label must be {allowed} for {type(generator).__name__} of {classes} classes, '
            f'got {label}'
        )


def sample_images(
    generator: nn.Module,
    num: int,
    seed: int = 0,
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    truncation: float = 1.0,
    label: int | None = None,
    precision: str = 'float32',
) -> np.ndarray:
    """Draw images from a generator in evaluation mode.

    Image i depends on ``(seed, i)`` only: neither on ``num`` nor on ``batch_size`` (apart from
    rounding), nor on the state of the global random generators, which is left as it was. The noise
    is drawn on the CPU, so it is the same on every device. A generator that draws noise of its own
    in ``forward`` (FastGAN's noise injection) gets that of each image from a seed of its own.

    A generator whose weights are averages has BatchNorm statistics that belong to other weights:
    call :func:`calibrate_batchnorm` once before.

    Args:
        generator: Maps noise (B, ``generator.noise_size``) to images (B, 3, S, S) in
            [-1, 1] (values outside are clamped) or to a list of which they are the first.
        num: Number of images N.
        seed: Seed of the sequence.
        batch_size: Images per forward pass; default what half of a GPU's free memory holds, up to
            128, and 16 on the CPU. What runs out of memory is made in smaller parts.
        device: Where the generator is; default its parameters'.
        truncation: ψ of a style-based generator: below 1, images nearer to the mean one.
        label: Class of all images of a class-conditional generator; default one drawn for each.
        precision: ``'float32'``, or ``'bfloat16'`` or ``'float16'`` by autocast, which moves pixels
            by several and by 0.2 of 255 on average. It has no effect on StyleGAN2, which chooses
            its precision itself.

    Returns:
        uint8 RGB, (N, S, S, 3).

    Raises:
        ValueError: If a number is not positive, the precision unknown, the generator does not say
            its ``noise_size``, has no mean of W or no such class, or its output is not finite.
    """
    images = iterate_images(
        generator, num, seed, batch_size, device, truncation, label, precision=precision
    )
    return np.concatenate(list(images))


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
    length = noise_size(generator)
    momenta = [layer.momentum for layer in layers]
    with evaluating(generator), isolated_rng(seed, device):
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # torch's name for the cumulative mean
            layer.train()
        try:
            for _ in range(num_batches):
                noise = torch.randn(batch_size, length).to(device)
                classes = torch.arange(batch_size, device=device) / batch_size
                generator(noise, **_labels(generator, classes))
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
    return generator
