"""Adaptive discriminator augmentation."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmfncontra.models.layers import AdaptiveStrength
from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval, check_positive
from mmfncontra.utils.precision import widen, without_autocast

from .color import color_matrix, recolor
from .corruption import add_noise, cut_out
from .draw import Draw
from .filtering import BandFilter
from .geometry import blit_inverse, changes, geometric_inverse, product
from .resampling import Resampler, blit


@MODELS.register_module()
class ADA(nn.Module):
    r"""Adaptive discriminator augmentation, for the real and the generated images of any GAN.

    Every transform is applied to every image with probability p, its parameters drawn for each
    image. Every ``interval`` iterations p follows the overfitting of the discriminator,

    .. math::
        r_t = E[\operatorname{sign} D(x_{real})], \qquad
        p \leftarrow \operatorname{clip}\!\left(p + \operatorname{sign}(r_t - \tau)
        \frac{n}{1000\,\mathrm{kimg}}, 0, p_{max}\right),

    with n the real images since the last update and r_t their mean. Transforms by category, in
    the order in which they are applied, for images of S pixels:

    =============  ================================================================================
    category       transforms
    =============  ================================================================================
    ``blit``       x-flip i ~ U{0, 1}; rotation by i·90°, i ~ U{0..3}; translation by whole pixels,
                   U(-0.125, 0.125)·S
    ``geometric``  isotropic scaling, ln s ~ N(0, (0.2 ln 2)²); rotation U(-π, π); anisotropic
                   scaling (s, 1/s), s as before; rotation; translation N(0, 0.125²)·S. A rotation
                   has probability 1 - √(1 - p), both together p.
    ``color``      brightness + N(0, 0.2²); contrast, ln c ~ N(0, (0.5 ln 2)²); luma flip
                   i ~ U{0, 1}; hue rotated about the grey axis by U(-π, π); saturation,
                   ln s ~ N(0, ln² 2)
    ``filter``     each of the bands [0, π/8], [π/8, π/4], [π/4, π/2], [π/2, π] amplified,
                   ln t ~ N(0, ln² 2), at equal power of a natural image
    ``noise``      white noise of standard deviation \|N(0, 0.1²)\|
    ``cutout``     a square of side S/2, its centre uniform over the image, set to 0
    =============  ================================================================================

    Leaking. A generator trained on augmented images could learn the augmentation. It does not as
    long as the distribution of images can be told from that of the augmented ones: when a transform
    is skipped with a probability 1 - p that is not too small, the unaugmented orientation or colour
    remains the most frequent one, and generating it is the only way to match. In practice that
    holds while p < 0.8, hence ``maximum``.

    Images on which nothing was drawn come out exactly as they went in; at p = 0 these are all.
    Blits move whole pixels and interpolate nothing. An image on which a geometric transform was
    drawn is resampled once, from the product of its matrices with those of its blits, at twice the
    resolution behind a sym6 low-pass filter. Beyond its borders an image is mirrored as often as
    needed, at no cost in memory, since positions are folded rather than pixels padded; nothing in
    a call depends on the values drawn, so that there is no synchronisation with the host.

    Gradients, also second ones, pass through everything; p has none.

    Source: Karras et al., NeurIPS 2020, arXiv 2006.06676, §2, §3 and appendix B.

    Args:
        categories: Names of the table, as a sequence or separated by commas, in any order; or a
            short name of the paper: ``bg`` (blit, geometric), ``bgc`` (and color), ``bgcf``
            (and filter), ``bgcfn`` (and noise), ``bgcfnc`` (and cutout).
        target: :math:`\tau`, in (-1, 1).
        ada_kimg: Thousands of images over which p can rise from 0 to 1.
        interval: Iterations between two updates of p.
        initial: p at the start, in [0, ``maximum``].
        maximum: :math:`p_{max}`, in (0, 1].

    Attributes:
        strength: Holds p in its buffer ``value``.

    Raises:
        ValueError: If a category is unknown or given twice, or another argument is out of its
            range.

    Example:
        >>> ada = ADA('bgc', initial=0.5)
        >>> ada(torch.zeros(2, 3, 16, 16)).shape
        torch.Size([2, 3, 16, 16])
        >>> ada = ADA(interval=1)
        >>> ada.observe(torch.tensor(0.9), num_images=5000)
        {'p_ada': tensor(0.0100)}
    """

    CATEGORIES = ('blit', 'geometric', 'color', 'filter', 'noise', 'cutout')
    SHORT_NAMES: ClassVar = {name: len(name) for name in ('bg', 'bgc', 'bgcf', 'bgcfn', 'bgcfnc')}

    def __init__(
        self,
        categories: str | Sequence[str] = ('blit', 'geometric', 'color'),
        target: float = 0.6,
        ada_kimg: float = 500.0,
        interval: int = 4,
        initial: float = 0.0,
        maximum: float = 0.8,
    ) -> None:
        super().__init__()
        check_positive(ada_kimg=ada_kimg)
        check_interval('(0, 1]', maximum=maximum)
        self.categories = self._parse(categories)
        self.strength = AdaptiveStrength(
            target, kimg=ada_kimg, maximum=maximum, initial=initial, interval=interval
        )
        self.resampler = Resampler() if 'geometric' in self.categories else None
        self.band_filter = BandFilter() if 'filter' in self.categories else None

    @classmethod
    def _parse(cls, categories: str | Sequence[str]) -> tuple[str, ...]:
        if isinstance(categories, str) and categories in cls.SHORT_NAMES:
            return cls.CATEGORIES[: cls.SHORT_NAMES[categories]]
        names = categories.split(',') if isinstance(categories, str) else list(categories)
        names = [name.strip() for name in names]
        unknown = any(name not in cls.CATEGORIES for name in names)
        if unknown or not names or len(set(names)) < len(names):
            raise ValueError(
                f'categories must be some of {list(cls.CATEGORIES)}, each once, or one of '
                f'{list(cls.SHORT_NAMES)}, got {categories!r}'
            )
        return tuple(name for name in cls.CATEGORIES if name in names)

    def forward(self, images: Tensor) -> Tensor:
        """Augmented images.

        Args:
            images: (B, 3, S, S) in [-1, 1], floating point; half precision is computed in float32.

        Returns:
            Images of the same shape and dtype, not clipped to [-1, 1].

        Raises:
            ValueError: If the images have another shape.
            TypeError: If they are no floating-point tensor.
        """
        if images.ndim != 4 or images.size(1) != 3 or images.size(2) != images.size(3):
            raise ValueError(f'images must be (B, 3, S, S), got {tuple(images.shape)}')
        # Autocast would round positions and filters to half precision.
        with without_autocast(images.device):
            wide = widen(images)
            return self._augment(wide, Draw(wide, self.strength.value)).to(images.dtype)

    def _augment(self, images: Tensor, draw: Draw) -> Tensor:
        images = self._move(images, draw)
        if 'color' in self.categories:
            images = recolor(images, color_matrix(draw))
        if self.band_filter is not None:
            images = self.band_filter(images, self.band_filter.gains(draw))
        if 'noise' in self.categories:
            images = add_noise(images, draw)
        if 'cutout' in self.categories:
            images = cut_out(images, draw)
        return images

    def _move(self, images: Tensor, draw: Draw) -> Tensor:
        """Blits and geometric transforms."""
        size, blitted, inverse = images.size(-1), images, None
        if 'blit' in self.categories:
            inverse = blit_inverse(draw, size)
            blitted = blit(images, inverse)
        if self.resampler is None:
            return blitted
        geometric = geometric_inverse(draw, size)
        inverse = geometric if inverse is None else product(inverse, geometric)
        return torch.where(changes(geometric), self.resampler(images, inverse), blitted)

    @torch.no_grad()
    def observe(self, sign_mean: Tensor, num_images: int) -> dict[str, Tensor]:
        """Adapt p after a step of the discriminator.

        Args:
            sign_mean: Mean sign of the logits of real images, (); the same on every rank.
            num_images: Real images behind it, those of all ranks.

        Returns:
            ``p_ada``, (), to log.
        """
        self.strength.observe(sign_mean, num_images)
        return dict(p_ada=self.strength.value.clone())

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'categories={self.categories}'
