"""Nearest neighbours of images, and how many generated images copy a training image."""

import numpy as np
import torch

from mmfncontra.models.wavelets import decompose
from mmfncontra.utils.checks import check_images, check_interval

from .diversity import pair_distances
from .image_arrays import check_same_size, reduce_images

SPACES = ('pixel', 'wavelet')
_ROWS_AT_ONCE = 512
# Of two squared lengths, in float64: less is no distance.
ROUNDING = 1e-12
SAMPLED_PAIRS = 10_000
# Two real images this much nearer than two images usually are show the same picture. Different ones
# among a hundred photographs come as near as 0.3, and drawn shells 0.2; small images that were
# compressed again are 0.1 away.
SAME_PICTURE = 0.15


def nearest_distances(
    queries: np.ndarray,
    references: np.ndarray,
    space: str = 'pixel',
    exclude_self: bool = False,
    flips: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Distance of each image to the nearest of some references, and which one that is.

    All images are first reduced to 32×32, antialiased, so that noise and compression average out.

    - ``'pixel'``: the root mean square difference of the pixels, exact.
    - ``'wavelet'``: the root of the mean over seven Haar sub-bands (LL, LH, HL, HH of level 3 and
      LH, HL, HH of level 2) of the mean squared difference of their coefficients, those of level j
      over :math:`2^j`. That makes coefficients local means and differences of means, of about equal
      energy for the spectra of natural images, and gives every sub-band the same say: layout and
      edges count more than in pixels, where broad areas of colour decide, and the finest detail
      not at all.

    Args:
        queries: uint8 RGB, (N, H, W, 3).
        references: uint8 RGB, (M, H, W, 3).
        space: ``'pixel'`` or ``'wavelet'``.
        exclude_self: Whether both arrays are the same images, and none is its own neighbour, nor is
            its mirror image.
        flips: Whether a mirrored reference counts as well, the nearer of the two.

    Returns:
        Distances in grey levels, (N,), float64; indices of the references, (N,), the first of
        several at the same distance.

    Raises:
        ValueError: If the arrays are no images of one size, ``space`` is unknown, or
            ``exclude_self`` is asked for arrays of different lengths or of one image.

    Example:
        >>> references = np.zeros((3, 32, 32, 3), np.uint8)
        >>> references[1], references[2] = 100, 200
        >>> distances, indices = nearest_distances(references[1:2] + 3, references)
        >>> distances.tolist(), indices.tolist()
        ([3.0], [1])
    """
    check_same_size(queries=queries, references=references)
    _check_space(space)
    if exclude_self and len(queries) != len(references):
        raise ValueError(
            'exclude_self=True needs queries and references to be the same images, '
            f'got {len(queries)} and {len(references)}'
        )
    if exclude_self:
        check_images(references, 'references', minimum=2)
    return _search(reduce_images(queries), reduce_images(references), space, exclude_self, flips)


def copy_rate(
    real: np.ndarray,
    fake: np.ndarray,
    space: str = 'pixel',
    flips: bool = True,
    quantile: float = 0.01,
    margin: float = 0.75,
) -> dict[str, float | np.ndarray]:
    r"""Share of generated images that are nearer to a training image than real images are.

    A generated image is a copy if its distance to the nearest training image is at most

    .. math::
        threshold = margin \cdot Q_{quantile}\{d_i\},

    :math:`d_i` the distance from training image i to the nearest *other* one (see
    :func:`nearest_distances`). A low quantile is the baseline rather than the minimum, which a
    single odd pair sets. The margin is there because new photographs fall below the quantile too,
    by its definition, and more of them where it rests on the one nearest pair of a small set:
    2-4 %, at times 15 %, with 64-100 training images. Distances of high-dimensional data have a
    steep lower tail, so that a quarter less leaves none to 0.5 %, while mirrored, noised and
    compressed copies are a tenth to a half as far away.

    Training sets often hold a picture twice, compressed again or mirrored. Such pairs, at most 0.15
    times as far apart as the median pair, are no neighbours for the baseline: they say nothing
    about how near two different pictures come, and would push the threshold to zero.

    Blank or blurred images are near to everything without being copies: read the rate beside
    :func:`pairwise_diversity`, and look at the pairs.

    Args:
        real: The training images, uint8 RGB, (N, H, W, 3), two or more.
        fake: uint8 RGB, (M, H, W, 3).
        space: ``'pixel'`` or ``'wavelet'``.
        flips: Whether mirrored training images count as well.
        quantile: Of the real-to-real distances, in [0, 1].
        margin: Share of the quantile at which the threshold lies, in (0, 1].

    Returns:
        ``copy_rate`` in [0, 1]; ``threshold`` in grey levels; ``nearest`` (M,), the distance of
        each generated image to its nearest training image, and ``indices`` (M,), which one that
        is; ``real_nearest`` (N,), the distance of each training image to its nearest other one,
        where the same picture does not count (infinite if there is no other picture).

    Raises:
        ValueError: If the arrays are no images of one size, there is only one real image, or
            ``space``, ``quantile`` or ``margin`` is out of its range.

    Example:
        >>> real = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
        >>> fresh = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), np.uint8)
        >>> copy_rate(real, fresh)['copy_rate'], copy_rate(real, real[:5, :, ::-1])['copy_rate']
        (0.0, 1.0)
    """
    check_same_size(real=real, fake=fake)
    check_images(real, 'real', minimum=2)
    _check_space(space)
    check_interval('[0, 1]', quantile=quantile)
    check_interval('(0, 1]', margin=margin)
    real, fake = reduce_images(real), reduce_images(fake)
    # The median pair is of two different pictures however many pictures are there twice.
    usual = np.median(pair_distances(_features(real, space), SAMPLED_PAIRS, seed=0))
    real_nearest, _ = _search(real, real, space, True, flips, beyond=SAME_PICTURE * usual)
    nearest, indices = _search(fake, real, space, False, flips)
    others = real_nearest[np.isfinite(real_nearest)]
    threshold = margin * float(np.quantile(others, quantile)) if len(others) else 0.0
    return dict(
        copy_rate=float((nearest <= threshold).mean()),
        threshold=threshold,
        nearest=nearest,
        indices=indices,
        real_nearest=real_nearest,
    )


def _check_space(space: str) -> None:
    if space not in SPACES:
        raise ValueError(f'space must be one of {SPACES}, got {space!r}')


def _features(thumbnails: np.ndarray, space: str) -> np.ndarray:
    """Vectors (N, K), float64, whose root mean square differences are the distances."""
    # Pixels stay whole numbers, whose inner products float64 holds exactly.
    if space == 'pixel':
        return thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    x = torch.from_numpy(thumbnails.transpose(0, 3, 1, 2).astype(np.float64))
    ll, (third, second, _) = decompose(x, 'haar', levels=3)
    bands = [ll / 8, *(third / 8).unbind(-3), *(second / 4).unbind(-3)]
    bands = [band.flatten(1) for band in bands]
    length = sum(band.size(1) for band in bands)
    weights = [(length / (len(bands) * band.size(1))) ** 0.5 for band in bands]
    return torch.cat([w * band for w, band in zip(weights, bands, strict=True)], 1).numpy()


def _search(
    queries: np.ndarray,
    references: np.ndarray,
    space: str,
    exclude_self: bool,
    flips: bool,
    beyond: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to and index of the nearest reference at the distance ``beyond`` or farther."""
    rows = _features(queries, space)
    views = [references, references[:, :, ::-1]] if flips else [references]
    views = [_features(view, space) for view in views]
    row_norms = np.square(rows).sum(1)
    view_norms = [np.square(view).sum(1) for view in views]
    distances, indices = np.empty(len(rows)), np.empty(len(rows), int)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        nearer = np.full((len(rows[part]), len(references)), np.inf)
        for view, norms in zip(views, view_norms, strict=True):
            # |a − b|² = |a|² − 2ab + |b|², in place
            squares = rows[part] @ view.T
            squares *= -2
            squares += row_norms[part, None]
            squares += norms
            # Rounding is no difference, or the processor would choose among equals.
            squares[squares < ROUNDING * (row_norms[part, None] + norms)] = 0
            np.minimum(nearer, squares, out=nearer)
        nearer = np.sqrt(nearer.clip(min=0) / rows.shape[1])
        nearer[nearer < beyond] = np.inf
        if exclude_self:
            own = np.arange(len(nearer))
            nearer[own, start + own] = np.inf
        indices[part] = nearer.argmin(1)
        distances[part] = nearer.min(1)
    return distances, indices
