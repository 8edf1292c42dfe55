"""Easy, middle and hard negatives in the frequency domain."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.precision import widen

from .filter_bank import FilterBank, filter_bank
from .transform2d import (
    ORIENTATIONS,
    check_levels,
    decompose,
    interleave,
    pad_to_multiple,
    reconstruct,
)


def middle_index(middle: str) -> int:
    """Return the index in :data:`ORIENTATIONS` of the orientation that a middle negative keeps.

    Raises:
        ValueError: If ``middle`` is none of them.
    """
    if middle not in ORIENTATIONS:
        raise ValueError(f'middle={middle!r} must be one of {ORIENTATIONS}')
    return ORIENTATIONS.index(middle)


def dropped_index(hard: Sequence[str]) -> int:
    """Return the index in :data:`ORIENTATIONS` of the orientation that a hard negative lacks.

    Args:
        hard: The two orientations that are kept, in any order.

    Raises:
        ValueError: If ``hard`` is no such pair.
    """
    kept = [hard] if isinstance(hard, str) else list(hard)
    dropped = [o for o in ORIENTATIONS if o not in kept]
    if len(kept) != 2 or len(dropped) != 1:
        raise ValueError(
            f'hard={hard!r} must be a pair of different orientations of {ORIENTATIONS}, '
            "like ('LH', 'HL')"
        )
    return ORIENTATIONS.index(dropped[0])


@MODELS.register_module()
class FrequencyNegatives(nn.Module):
    r"""Easy, middle and hard negatives: copies of an image without part of its wavelet detail.

    With D_o(x) the reconstruction from the details of orientation o alone, at all levels,

    .. math::
        x = easy + D_{LH} + D_{HL} + D_{HH}, \quad
        middle_o = easy + D_o, \quad hard_{¬o} = x - D_o,

    where easy keeps the approximation only. The orientation that the middle negative keeps and the
    one that the hard negative lacks are drawn uniformly, independently of each other, on the
    device of ``x`` and without a synchronisation with the host.

    For Haar the negatives come from block means m_j (over 2^j × 2^j pixels) without a transform:
    easy is m_J upsampled, and the detail of level j is, within each 2×2 block of m_{j-1}, a
    multiple of the orientation's sign pattern. Other wavelets go through
    :func:`~mmfncontra.models.wavelets.decompose`, with images continued periodically.

    Sides that ``2**levels`` does not divide are extended by their mirror image at the bottom and on
    the right (:func:`~mmfncontra.models.wavelets.pad_to_multiple`), and the result is cropped.

    Source: Yang et al., *FNContra: Frequency-domain Negative Sample Mining in Contrastive Learning
    for limited-data image generation*, Expert Systems with Applications 263, 2025, 125676.

    Args:
        wavelet: Name of an orthogonal or biorthogonal discrete wavelet of PyWavelets.
        levels: Number of decompositions. Images have at least ``2**levels`` pixels a side.
        per_sample: Whether each sample has its own draw; otherwise one draw serves the batch.

    Raises:
        ValueError: If ``wavelet`` or ``levels`` is not usable.

    Attributes:
        LEVELS: Names of the levels of difficulty.

    Example:
        >>> import torch
        >>> negatives = FrequencyNegatives(levels=3)(torch.rand(8, 3, 64, 64) * 2 - 1)
        >>> {name: tuple(x.shape) for name, x in negatives.items()}
        {'easy': (8, 3, 64, 64), 'middle': (8, 3, 64, 64), 'hard': (8, 3, 64, 64)}
    """

    LEVELS = ('easy', 'middle', 'hard')
    role = 'negatives'
    acts_on = 'images'

    def __init__(self, wavelet: str = 'haar', levels: int = 5, per_sample: bool = False) -> None:
        super().__init__()
        check_levels(levels)
        self.bank: FilterBank = filter_bank(wavelet)
        self.levels = levels
        self.per_sample = per_sample

    def forward(
        self, x: Tensor, middle: str | None = None, hard: Sequence[str] | None = None
    ) -> dict[str, Tensor]:
        """Make the three negatives of every image.

        Args:
            x: (B, C, H, W) images, floating point, in any range.
            middle: Orientation that the middle negatives keep, instead of a draw: one of
                ``'LH'``, ``'HL'``, ``'HH'``.
            hard: The two orientations that the hard negatives keep, instead of a draw, in any
                order: for example ``('LH', 'HL')``.

        Returns:
            ``easy``, ``middle`` and ``hard``, each of the shape and dtype of ``x``.

        Raises:
            ValueError: If ``x`` is not 4-D or smaller than ``2**levels``, or an orientation is
                unknown.
            TypeError: If ``x`` is no floating-point tensor.
        """
        if x.ndim != 4:
            raise ValueError(f'x has the shape {tuple(x.shape)}, but must be (B, C, H, W)')
        height, width = x.shape[-2:]
        check_levels(self.levels, height, width)
        padded = pad_to_multiple(widen(x), 2**self.levels)
        draws = x.size(0) if self.per_sample else 1
        chosen = torch.stack(
            (
                self._choose(None if middle is None else middle_index(middle), draws, x),
                self._choose(None if hard is None else dropped_index(hard), draws, x),
            )
        )
        negatives = self._haar(padded, chosen) if self.bank.is_haar else self._any(padded, chosen)
        return {
            name: y[..., :height, :width].contiguous().to(x.dtype) for name, y in negatives.items()
        }

    @staticmethod
    def _choose(fixed: int | None, draws: int, x: Tensor) -> Tensor:
        if fixed is None:
            return torch.randint(len(ORIENTATIONS), (draws,), device=x.device)
        return torch.full((draws,), fixed, device=x.device)

    def _any(self, x: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """Negatives through the transform; ``chosen`` holds what middle keeps, what hard lacks."""
        ll, details = decompose(x, self.bank, self.levels)
        orientations = torch.arange(len(ORIENTATIONS), device=x.device)
        kept, lacking = (chosen[..., None] == orientations).to(x.dtype)
        masks = torch.stack((torch.zeros_like(kept), kept, 1 - lacking))[:, :, None, :, None, None]
        easy, middle, hard = reconstruct(
            ll.expand(3, *ll.shape), [masks * detail for detail in details], self.bank
        )
        return dict(easy=easy, middle=middle, hard=hard)

    def _haar(self, x: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """Negatives from block means; ``chosen`` as above."""
        means = [x]
        for _ in range(self.levels):
            rows = means[-1][..., 0::2, :] + means[-1][..., 1::2, :]
            means.append((rows[..., 0::2] + rows[..., 1::2]) / 4)
        coarsest = means.pop()
        easy = coarsest.repeat_interleave(2**self.levels, -1)
        easy = easy.repeat_interleave(2**self.levels, -2)

        # An orientation is the 2×2 pattern [[1, across], [down, down·across]] of signs.
        lh, hl = (
            2 * (chosen == ORIENTATIONS.index(o)).to(x.dtype)[..., None, None, None] - 1
            for o in ('LH', 'HL')
        )
        down, across, both = lh, hl, lh * hl

        # Both recursions at once, from coarse to fine: middle starts from easy, hard from nothing
        # (its sum is what x is to lose).
        out = torch.stack((coarsest, torch.zeros_like(coarsest)))
        for mean in reversed(means):
            rows = torch.addcmul(mean[..., 0::2, :], down, mean[..., 1::2, :])
            detail = torch.addcmul(rows[..., 0::2], across, rows[..., 1::2])
            top = interleave(
                torch.add(out, detail, alpha=0.25),
                torch.addcmul(out, across, detail, value=0.25),
                -1,
            )
            bottom = interleave(
                torch.addcmul(out, down, detail, value=0.25),
                torch.addcmul(out, both, detail, value=0.25),
                -1,
            )
            out = interleave(top, bottom, -2)
        middle, lost = out
        return dict(easy=easy, middle=middle, hard=x - lost)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'wavelet={self.bank.name!r}, levels={self.levels}, per_sample={self.per_sample}'
