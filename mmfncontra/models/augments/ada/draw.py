"""Random parameters of ADA's transforms."""

import torch
from torch import Tensor


class Draw:
    r"""Draws for a batch of images, one per image, on their device.

    Args:
        images: (B, ...) images that give the number of draws, their dtype and their device.
        p: Probability of applying a transform, ().

    Attributes:
        p: The probability, (), in the images' dtype.
        p_rotation: :math:`1 - \sqrt{1 - p}`, so that at least one of the rotations before and after
            the anisotropic scaling is applied with probability p.

    Example:
        >>> draw = Draw(torch.zeros(4, 3, 16, 16), torch.zeros(()))
        >>> draw.applied(draw.normal(1.0), neutral=0.0)
        tensor([0., 0., 0., 0.])
    """

    def __init__(self, images: Tensor, p: Tensor) -> None:
        self.batch = len(images)
        self._like = dict(dtype=images.dtype, device=images.device)
        self.p = p.to(**self._like)
        self.p_rotation = 1 - (1 - self.p).sqrt()

    def applied(self, value: Tensor, neutral: float, p: Tensor | None = None) -> Tensor:
        """``value`` where the transform is applied, which has probability ``p``, else ``neutral``.

        Args:
            value: (B, ...) parameters of the transform.
            neutral: Their value that changes nothing.
            p: Probability, (); by default :attr:`p`.

        Returns:
            (B, ...) parameters; all those of an image are applied, or none.
        """
        applied = torch.rand(self.batch, **self._like) < (self.p if p is None else p)
        return torch.where(applied.view(-1, *[1] * (value.ndim - 1)), value, neutral)

    def uniform(self, low: float, high: float) -> Tensor:
        """(B,) from U(low, high)."""
        return low + (high - low) * torch.rand(self.batch, **self._like)

    def choice(self, n: int) -> Tensor:
        """(B,) from 0, ..., n - 1, as floating point numbers."""
        return torch.randint(n, (self.batch,), **self._like)

    def normal(self, std: float) -> Tensor:
        """(B,) from N(0, std²)."""
        return std * torch.randn(self.batch, **self._like)

    def lognormal(self, std: float) -> Tensor:
        """(B,) whose logarithm is from N(0, std²)."""
        return self.normal(std).exp()
