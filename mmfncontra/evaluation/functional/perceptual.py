"""Metrics on perceptual distances."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.evaluation.features.lpips_distance import LPIPSDistance
from mmfncontra.evaluation.features.reproducible import reproducible
from mmfncontra.models.network_facts import evaluating
from mmfncontra.models.sampling.images import from_arrays
from mmfncontra.utils.checks import check_integers, check_interval
from mmfncontra.utils.rng import isolated_rng

_PATH_SIDE = 256  # larger images are reduced to about this before LPIPS, as in StyleGAN


def lpips_diversity(
    images: Sequence[np.ndarray] | np.ndarray,
    distance: LPIPSDistance,
    num_pairs: int | None = None,
    batch_size: int = 16,
    seed: int = 0,
) -> float:
    r"""Mean LPIPS distance of pairs of images; 0 when they are all the same.

    Since LPIPS is a squared distance of embeddings :math:`e`, the mean over all pairs is a
    variance, for which every image passes the network once:

    .. math::
        \frac{2}{N (N-1)} \sum_{i<j} \lVert e_i - e_j \rVert^2
        = \frac{2}{N-1} \sum_i \lVert e_i - \bar e \rVert^2

    Source: Zhu et al., NeurIPS 2017 (BicycleGAN), with the LPIPS of Zhang et al., CVPR 2018.

    Args:
        images: (N, H, W, 3), uint8, RGB, N at least 2, H and W at least 16.
        distance: The LPIPS network.
        num_pairs: So many different random pairs instead of all; saves time if less than N / 2.
        batch_size: Images (or pairs) per forward pass.
        seed: Seed of the random pairs.

    Returns:
        The mean distance, 0 or more.

    Raises:
        ValueError: If there are fewer than two images, or not as many pairs.
    """
    check_integers(batch_size=batch_size)
    num = len(images)
    if num < 2:
        raise ValueError(f'images must be 2 or more, got {num}')
    if num_pairs is None:
        return _mean_over_all_pairs(images, distance, batch_size)
    check_integers(num_pairs=num_pairs)
    possible = num * (num - 1) // 2
    if num_pairs > possible:
        raise ValueError(f'num_pairs must be at most {possible} for {num} images, got {num_pairs}')
    chosen = np.random.default_rng(seed).choice(possible, num_pairs, replace=False)
    first, second = (index[chosen] for index in np.triu_indices(num, k=1))
    total = 0.0
    for start in range(0, num_pairs, batch_size):
        part = slice(start, start + batch_size)
        x, y = (_batch(images, index[part]) for index in (first, second))
        total += distance(x, y).double().sum().item()
    return total / num_pairs


def _batch(images: Sequence[np.ndarray], indices: Sequence[int]) -> Tensor:
    return from_arrays(np.stack([images[i] for i in indices]))


def _mean_over_all_pairs(
    images: Sequence[np.ndarray], distance: LPIPSDistance, batch_size: int
) -> float:
    origin = None  # sums of differences to one image: no cancellation, and exactly 0 at collapse
    squares = 0.0
    for start in range(0, len(images), batch_size):
        stop = min(start + batch_size, len(images))
        embedded = distance.embed(_batch(images, range(start, stop)))
        if origin is None:
            origin, shift = embedded[0].clone(), torch.zeros_like(embedded[0], dtype=torch.float64)
        embedded = embedded - origin
        shift += embedded.sum(dim=0, dtype=torch.float64)
        squares += embedded.square().sum(dtype=torch.float64).item()
    spread = squares - shift.square().sum().item() / len(images)
    return 2 * spread / (len(images) - 1)


def perceptual_path_length(
    generator: nn.Module,
    distance: LPIPSDistance,
    num: int = 10_000,
    epsilon: float = 1e-4,
    batch_size: int = 16,
    seed: int = 0,
) -> dict[str, float]:
    r"""How much images change along a small step in W.

    .. math::
        \mathbb{E} \left[ \epsilon^{-2}\, d(G(w_0), G(\mathrm{lerp}(w_0, w_1, \epsilon))) \right]

    without the lowest and the highest percent of the values. Both ends of a step share the noise
    that the generator injects. Images larger than 256 pixels are reduced by averaging.

    Source: Karras et al., CVPR 2020 (StyleGAN2: W, at the end points of paths, without crop).

    Args:
        generator: A style generator: it has ``noise_size`` and a ``style_mapping``, the module
            that maps noise to W, and maps noise (B, ``noise_size``) to images (B, 3, S, S) in
            [-1, 1]. It runs in evaluation mode and in float32, and is left in the mode it was in.
        distance: The LPIPS network.
        num: Number of steps; papers use 50,000.
        epsilon: Length of a step as a share of the path.
        batch_size: Steps per forward pass.
        seed: Seed of the noise.

    Returns:
        ``mean`` and ``std`` of the values kept.

    Raises:
        ValueError: If the generator has no mapping to W, or a number is out of range.
    """
    check_integers(num=num, batch_size=batch_size)
    check_interval('(0, 1)', epsilon=epsilon)
    mapping = getattr(generator, 'style_mapping', None)
    if not isinstance(mapping, nn.Module):
        raise ValueError(
            'generator must have a style_mapping to W (StyleGAN), '
            f'got {type(generator).__name__} without'
        )
    device = next(generator.parameters()).device
    stream = torch.Generator().manual_seed(seed)
    values = []
    with evaluating(generator), reproducible(device):
        for start in range(0, num, batch_size):
            count = min(batch_size, num - start)
            z0, z1 = torch.randn(2, count, generator.noise_size, generator=stream).to(device)
            w0, w1 = mapping(z0), mapping(z1)
            near, far = (
                _reduced(_render(generator, mapping, z0, w, seed + start))
                for w in (w0, w0.lerp(w1, epsilon))
            )
            values.append(distance(near, far).double().cpu().numpy() / epsilon**2)
    values = np.concatenate(values)
    low = np.percentile(values, 1, method='lower')
    high = np.percentile(values, 99, method='higher')
    kept = values[(low <= values) & (values <= high)]
    return dict(mean=float(kept.mean()), std=float(kept.std()))


def _render(generator: nn.Module, mapping: nn.Module, z: Tensor, w: Tensor, seed: int) -> Tensor:
    """Images of given W, whatever a generator calls the argument for it: the mapping returns it."""
    hook = mapping.register_forward_hook(lambda *_: w)
    try:
        with isolated_rng(seed, z.device):
            return generator(z).float()
    finally:
        hook.remove()


def _reduced(images: Tensor) -> Tensor:
    factor = images.shape[-1] // _PATH_SIDE
    return F.avg_pool2d(images, factor) if factor > 1 else images
