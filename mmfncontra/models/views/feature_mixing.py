"""Virtual positives from the embeddings of a batch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_range
from mmfncontra.utils.precision import widen


@MODELS.register_module()
class FeatureMixing(nn.Module):
    r"""Positives mixed with those of other images of the batch.

    .. math::
        \tilde f_i = \lambda_i \frac{f_i}{\lVert f_i \rVert}
            + (1 - \lambda_i) \frac{f_{\pi(i)}}{\lVert f_{\pi(i)} \rVert}, \qquad
        \lambda_i \sim U(a, b), \quad \pi(i) \neq i

    with a random :math:`\pi` that visits every image once. A convex mix in which the image's own
    share is the larger one is a positive that no augmentation of an image makes. That samples of
    the batch are mixed in feature space is the paper's; the distribution of the shares and the unit
    length of what is mixed are ours. Where the batch's other images are negatives too, a partner is
    both: pulled as a part of the mix, pushed as itself.

    Source: Li and Yin, Random image masking and in-batch feature mixing for self-supervised
    learning, Expert Systems with Applications 264, 2025, 125898.

    Args:
        share: Smallest and largest share a, b of an image's own embedding, in [0.5, 1].

    Raises:
        ValueError: If ``share`` is no such range, or nothing is mixed.

    Example:
        >>> FeatureMixing(share=(0.75, 0.75))(torch.eye(2)).tolist()
        [[0.75, 0.25], [0.25, 0.75]]
    """

    role = 'view'
    acts_on = 'embeddings'

    def __init__(self, share: tuple[float, float] = (0.5, 1.0)) -> None:
        super().__init__()
        check_range(0.5, 1, share=share)
        if share[0] == 1:
            raise ValueError(f'share must begin below 1, where nothing is mixed, got {share}')
        self.share = tuple(share)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Mix the embeddings of a batch.

        Args:
            embeddings: (B, E).

        Returns:
            Mixes of unit vectors, (B, E), at least in float32; of a single embedding itself, at
            unit length.
        """
        units = F.normalize(widen(embeddings), dim=1)
        # Everybody is mixed with the one before in a random order: a partner, never oneself.
        order = torch.rand(len(units), device=units.device).argsort()
        partner = torch.empty_like(order).scatter(0, order, order.roll(1))
        low, high = self.share
        share = low + (high - low) * torch.rand(len(units), 1, device=units.device)
        return torch.lerp(units[partner], units, share.to(units.dtype))

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'share={self.share}'
