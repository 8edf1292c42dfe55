"""Path length regularisation of a style-based generator."""

import math

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_interval, check_positive
from mmfncontra.utils.precision import widen


@MODELS.register_module()
class PathLengthPenalty(nn.Module):
    r"""Let a step of fixed length in W change the image by a fixed amount.

    With J the Jacobian of the H×W image in its latents w (one vector for each of L layers) and
    :math:`y \sim N(0, I)`, drawn anew in every call, computed every :math:`k` iterations only,

    .. math::
        \ell = \sqrt{\tfrac{1}{L} \textstyle\sum_l \lVert (J_l)^T y \rVert^2 / (HW)}, \qquad
        a \leftarrow (1 - d)\, a + d\, E[\ell], \qquad
        L = k \lambda \, E[(\ell - a)^2].

    a is updated before it is used; it is the same on all ranks, and its gradient is that of the
    rank's own lengths.

    Source: Karras et al., CVPR 2020, arXiv 1912.04958, eq. 4 and appendix B.

    Args:
        weight: :math:`\lambda`, positive.
        interval: :math:`k`, iterations from one penalty to the next.
        decay: :math:`d`, in (0, 1].
        batch_shrink: How many times smaller than the training batch the batch of
            ``path_images`` is to be, at least one image.

    Attributes:
        mean_path_length: :math:`a`, a buffer ().

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> latents = torch.randn(2, 4, 8, requires_grad=True)
        >>> images = latents.mean(dim=(1, 2)).view(2, 1, 1, 1).expand(2, 3, 16, 16)
        >>> PathLengthPenalty()(path_images=images, latents=latents).shape
        torch.Size([])
    """

    inputs = ('path_images', 'latents')

    def __init__(
        self, weight: float = 2.0, interval: int = 4, decay: float = 0.01, batch_shrink: int = 2
    ) -> None:
        super().__init__()
        check_positive(weight=weight)
        check_interval('(0, 1]', decay=decay)
        check_integers(interval=interval, batch_shrink=batch_shrink)
        self.weight = weight
        self.interval = interval
        self.decay = decay
        self.batch_shrink = batch_shrink
        self.register_buffer('mean_path_length', torch.zeros(()))

    def forward(self, path_images: Tensor, latents: Tensor) -> Tensor:
        """Penalty of a batch.

        Args:
            path_images: Generated images, (B, C, H, W).
            latents: The latents (B, L, Z) they were computed from.

        Returns:
            The penalty times the interval, a scalar that can be differentiated once more.
        """
        images = widen(path_images)
        noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
        (gradient,) = torch.autograd.grad((images * noise).sum(), latents, create_graph=True)
        lengths = widen(gradient).square().sum(dim=2).mean(dim=1).sqrt()

        local = lengths.mean()
        everywhere = local.detach().clone()
        all_reduce(everywhere, op='mean')
        # The value of all ranks' mean with the gradient of this rank's.
        length = local + (everywhere - local.detach())
        mean = torch.lerp(self.mean_path_length.to(length), length, self.decay)
        self.mean_path_length.copy_(mean.detach())
        return self.interval * self.weight * (lengths - mean).square().mean()
