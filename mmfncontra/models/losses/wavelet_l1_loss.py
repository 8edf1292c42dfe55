"""Reconstruction loss on wavelet coefficients."""

from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_not_negative
from mmfncontra.utils.precision import widen

from ..wavelets import check_levels, decompose, filter_bank, pad_to_multiple


@MODELS.register_module()
class WaveletL1Loss(nn.Module):
    r"""Reconstruction loss without a pretrained network: L1 distance of wavelet coefficients.

    For one reconstruction r of a target t, with the coefficients of the difference d = r - t,

    .. math::
        \ell(r, t) = \sum_{j=1}^{J} 2^{-j} \, \mathrm{mean}\,|d_j|
            + 2^{-J} \, \mathrm{mean}\,|LL_J|, \qquad
        L = weight \cdot \sum_{pairs} \sum_{batch} \ell(r, t),

    where d_j are the three orientations of detail at level j (means run over orientations,
    channels and positions). The factor 2^{-j} turns the orthonormal filters into averaging ones, so
    that each term is in units of the image. Edges count at every scale, as in a perceptual
    distance, while no weights are downloaded: an alternative to LPIPS for discriminators that
    reconstruct real images. The sum over the batch follows FastGAN's LPIPS terms; the batch is that
    of all ranks, whose losses carry the number of ranks since gradients are averaged.

    Args:
        wavelet: Name of an orthogonal or biorthogonal discrete wavelet of PyWavelets.
        levels: Number J of decompositions. Images have at least ``2**levels`` pixels a side; sides
            that it does not divide are mirrored at the bottom and on the right.
        loss_weight: Factor of the loss, not negative.
        interval: Iterations from one reconstruction to the next, whose loss counts as many times.

    Raises:
        ValueError: If an argument is not usable.

    Example:
        >>> import torch
        >>> reconstructions = [torch.rand(2, 3, 32, 32, requires_grad=True) for _ in range(3)]
        >>> targets = [torch.rand(2, 3, 32, 32) for _ in range(3)]
        >>> WaveletL1Loss()(reconstructions, targets).backward()
    """

    inputs = ('reconstructions', 'targets')
    """Tensors of the training step that the loss takes."""

    def __init__(
        self, wavelet: str = 'haar', levels: int = 4, loss_weight: float = 1.0, interval: int = 1
    ) -> None:
        super().__init__()
        check_levels(levels)
        check_not_negative(loss_weight=loss_weight)
        check_integers(interval=interval)
        self.bank = filter_bank(wavelet)
        self.levels = levels
        self.loss_weight = loss_weight
        self.interval = interval

    def forward(self, reconstructions: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Compare every reconstruction with its target.

        Args:
            reconstructions: Images, each (B, 3, h, w), in [-1, 1].
            targets: As many images, of the same shapes.

        Returns:
            Scalar.

        Raises:
            ValueError: If the lists are empty or differ in length, if a pair differs in shape, or
                if an image is smaller than ``2**levels``.
        """
        if not reconstructions or len(reconstructions) != len(targets):
            raise ValueError(
                f'{len(reconstructions)} reconstructions and {len(targets)} targets: give one '
                'target for each of at least one reconstruction'
            )
        terms = [self._distance(r, t) for r, t in zip(reconstructions, targets, strict=True)]
        return get_world_size() * self.interval * self.loss_weight * torch.stack(terms).sum()

    def _distance(self, reconstruction: Tensor, target: Tensor) -> Tensor:
        if reconstruction.ndim != 4 or reconstruction.shape != target.shape:
            raise ValueError(
                f'reconstruction {tuple(reconstruction.shape)} and target {tuple(target.shape)} '
                'must have the same shape (B, C, h, w)'
            )
        check_levels(self.levels, *target.shape[-2:])
        # The transform is linear: one decomposition, of the difference.
        difference = pad_to_multiple(widen(reconstruction) - widen(target), 2**self.levels)
        ll, details = decompose(difference, self.bank, self.levels)
        distance = ll.abs().mean() / 2**self.levels
        for level, detail in zip(range(self.levels, 0, -1), details, strict=True):
            distance = distance + detail.abs().mean() / 2**level
        return target.size(0) * distance

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return (
            f'wavelet={self.bank.name!r}, levels={self.levels}, '
            f'loss_weight={self.loss_weight}, interval={self.interval}'
        )
