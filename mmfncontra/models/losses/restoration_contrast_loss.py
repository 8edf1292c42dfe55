"""Contrastive loss of a restored image between sharp and blurred ones."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_not_negative, check_positive
from mmfncontra.utils.precision import widen

from ..objectives.contrastive_objective import build_objective


def place_similarity(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the channel vectors of two feature maps, averaged over places.

    Args:
        a: Feature maps, (B, C, h, w).
        b: Feature maps of the same shape.

    Returns:
        Similarities in [-1, 1], (B,), at least in float32.
    """
    return F.cosine_similarity(widen(a), widen(b), dim=1).mean(dim=(1, 2))


@MODELS.register_module()
class RestorationContrastLoss(nn.Module):
    r"""Pull the features of a restored image to those of sharp images, away from blurred ones.

    With :math:`r^l` the feature map of the restored image in layer l, :math:`p_k^l` that of its
    k-th positive, :math:`n_j^l` that of its j-th negative, and s the cosine of the channel vectors
    at a place, averaged over the places of the layer,

    .. math::
        L = \lambda \, \mathrm{mean}_{l, k, B} \; -\log \frac{e^{s(r^l, p_k^l)/\tau}}
            {e^{s(r^l, p_k^l)/\tau} + \sum_j e^{s(r^l, n_j^l)/\tau}}.

    The fraction is that of ``InfoNCE``; another ``objective`` takes its place. The loss does not
    choose where gradients flow: hand over positives and negatives without gradient to move the
    restored image alone.

    Source: Wu, Jiang, Liu, *A Practical Contrastive Learning Framework for Single-Image
    Super-Resolution*, IEEE TNNLS 2023 (PCL-SR).

    Args:
        temperature: :math:`\tau`, positive; it is that of the objective.
        loss_weight: :math:`\lambda`, not negative.
        objective: Config of the objective, such as ``dict(type='mmfncontra.DCL')``; ``None`` is
            ``InfoNCE``.

    Raises:
        ValueError: If an argument is not usable, or the objective needs other images, of which this
            loss has none.

    Example:
        >>> import torch
        >>> restored, sharp, blurred, bicubic = ([torch.randn(2, 8, 6, 6)] for _ in range(4))
        >>> RestorationContrastLoss()(restored, [sharp], [blurred, bicubic]).shape
        torch.Size([])
    """

    role = 'restoration'

    def __init__(
        self,
        temperature: float = 1.0,
        loss_weight: float = 1.0,
        objective: dict | None = None,
    ) -> None:
        super().__init__()
        check_positive(temperature=temperature)
        check_not_negative(loss_weight=loss_weight)
        self.objective = build_objective(objective, temperature)
        if self.objective.needs_others:
            raise ValueError(
                'objective must do without other images, such as InfoNCE, DCL or DCLW, got '
                f'{type(self.objective).__name__}, which needs them'
            )
        self.loss_weight = loss_weight

    def forward(
        self,
        restored: Sequence[Tensor],
        positives: Sequence[Sequence[Tensor]],
        negatives: Sequence[Sequence[Tensor]],
    ) -> Tensor:
        """Loss of a batch.

        Args:
            restored: Feature maps of the restored images by layer, (B, C_l, h_l, w_l).
            positives: One such list for each positive, of the same shapes.
            negatives: One such list for each negative, of the same shapes.

        Returns:
            The loss, a scalar.

        Raises:
            ValueError: If there is no layer, no positive or no negative, or shapes differ.
        """
        if not restored:
            raise ValueError('restored must have the feature map of one layer at least, got none')
        self._check('positives', positives, restored)
        self._check('negatives', negatives, restored)
        terms = []
        for layer, anchor in enumerate(restored):
            to_own = torch.stack([place_similarity(anchor, maps[layer]) for maps in negatives], 1)
            for maps in positives:
                to_positive = place_similarity(anchor, maps[layer])
                terms.append(self.objective.terms(to_positive, to_own.unsqueeze(0), None).mean())
        return self.loss_weight * torch.stack(terms).mean()

    @staticmethod
    def _check(name: str, lists: Sequence[Sequence[Tensor]], restored: Sequence[Tensor]) -> None:
        if not lists:
            raise ValueError(f'{name} must hold the maps of one image at least, got none')
        wanted = [tuple(x.shape) for x in restored]
        for index, maps in enumerate(lists):
            shapes = [tuple(x.shape) for x in maps]
            if shapes != wanted:
                raise ValueError(f'{name}[{index}] must have the shapes {wanted}, got {shapes}')

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'loss_weight={self.loss_weight}'
