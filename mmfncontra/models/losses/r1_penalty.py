"""Gradient penalty on real images."""

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_positive
from mmfncontra.utils.precision import widen


@MODELS.register_module()
class R1Penalty(nn.Module):
    r"""Keep the discriminator flat where the real images are.

    Computed every :math:`k` iterations only and scaled up by as much,

    .. math::
        L = \frac{\gamma k}{2} \, E_x \lVert \nabla_x D(x) \rVert^2,

    with x the real images before augmentation, so that the gradient passes through it. Logits of
    several patches are summed. For ``reduction='image'``, as in the paper, the square is summed
    over the channels and pixels of an image; for ``'pixel'``, the default norm mode of mmagic's
    R1 loss, it is summed over channels and averaged over pixels: H·W times smaller.

    Source: Mescheder et al., ICML 2018, arXiv 1801.04406, eq. 9; the lazy form: Karras et al.,
    CVPR 2020, arXiv 1912.04958, §3.1.

    Args:
        gamma: :math:`\gamma`, positive.
        interval: :math:`k`, iterations from one penalty to the next.
        reduction: ``image`` or ``pixel``.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> images = torch.randn(2, 3, 8, 8, requires_grad=True)
        >>> logits = images.mean(dim=(1, 2, 3)).unsqueeze(1)  # gradient 1/192 everywhere
        >>> penalty = R1Penalty(gamma=2.0, interval=1)(raw_real=images, real_logits=logits)
        >>> round(penalty.item() * 192, 4)
        1.0
    """

    inputs = ('raw_real', 'real_logits')

    def __init__(self, gamma: float = 10.0, interval: int = 16, reduction: str = 'image') -> None:
        super().__init__()
        check_positive(gamma=gamma)
        check_integers(interval=interval)
        if reduction not in ('image', 'pixel'):
            raise ValueError(f"reduction must be 'image' or 'pixel', got {reduction!r}")
        self.gamma = gamma
        self.interval = interval
        self.reduction = reduction

    def forward(self, raw_real: Tensor, real_logits: Tensor) -> Tensor:
        """Penalty of a batch.

        Args:
            raw_real: Real images that require a gradient, (B, C, H, W).
            real_logits: Logits (B, n) computed from them.

        Returns:
            The penalty times the interval, a scalar that can be differentiated once more.
        """
        # create_graph keeps the graph of the logits, which the other losses still need.
        (gradient,) = torch.autograd.grad(widen(real_logits).sum(), raw_real, create_graph=True)
        squares = widen(gradient).square().sum(dim=1)
        if self.reduction == 'image':
            squares = squares.sum(dim=(1, 2))
        return self.gamma / 2 * self.interval * squares.mean()
