"""Images moved by matrices: exactly where pixels fall on pixels, else with a low-pass filter."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.compat.grid_sample import grid_sample
from mmfncontra.models.wavelets import filter_bank


def fold(positions: Tensor, reach: float) -> Tensor:
    """Reflect positions back and forth into [-reach, reach].

    Reading an image at folded positions reads it as if mirrored without end about its border
    pixels, the mode ``'reflect'`` of padding without its limit.
    """
    return reach - (torch.remainder(positions + reach, 4 * reach) - 2 * reach).abs()


def reflect_pad(images: Tensor, margin: int) -> Tensor:
    """Mirror images about their border pixels, by any margin: (..., S, S) to (..., S+2m, S+2m)."""
    size = images.size(-1)
    reach = (size - 1) / 2
    index = torch.arange(-margin, size + margin, device=images.device)
    index = (fold(index - reach, reach) + reach).long()
    return images.index_select(-2, index).index_select(-1, index)


def inverse_map(inverse: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Where the pixels of a square grid come from.

    Args:
        inverse: (B, 3, 3) from results to images.
        positions: (n,) positions of the grid's rows and columns.

    Returns:
        x and y, each (B, n, n).
    """
    row, column = positions[:, None], positions
    return tuple(
        a[:, None, None] * column + b[:, None, None] * row + c[:, None, None]
        for a, b, c in (inverse[:, axis].unbind(1) for axis in (0, 1))
    )


def blit(images: Tensor, inverse: Tensor) -> Tensor:
    """Move whole pixels: nothing is interpolated, every value of the result is one of the image.

    Args:
        images: (B, C, S, S).
        inverse: (B, 3, 3) flips, quarter turns and translations by whole pixels.

    Returns:
        (B, C, S, S).
    """
    size = images.size(-1)
    reach = (size - 1) / 2
    positions = torch.arange(size, dtype=images.dtype, device=images.device) - reach
    x, y = (
        (fold(source, reach) + reach).round().long() for source in inverse_map(inverse, positions)
    )
    index = (y * size + x).flatten(1)[:, None].expand(-1, images.size(1), -1)
    return images.flatten(2).gather(2, index).view_as(images)


class Resampler(nn.Module):
    """Affine resampling at twice the resolution, between a low-pass filter and its transpose.

    The filter is that of an orthogonal wavelet, so that filtering up and down again is the
    identity. It is not quite symmetric: the sample m of the finer grid sits at (m - delay) / 2.

    The image is continued by reflection without end: positions are folded into the image before
    they are read. So the padding does not depend on the matrices, which are on the device; only
    half a filter's length is padded in fact, for the filter itself.

    Args:
        wavelet: Name of an orthogonal wavelet of PyWavelets.
    """

    def __init__(self, wavelet: str = 'sym6') -> None:
        super().__init__()
        taps = torch.tensor(filter_bank(wavelet).rec_lo, dtype=torch.float64)
        taps /= taps.sum()
        self.delay = float((taps * torch.arange(len(taps))).sum())
        self.register_buffer('taps', taps.float(), persistent=False)

    def _upsampling(self, size: int, dtype: torch.dtype) -> Tensor:
        """The filter from a row of pixels to the finer grid, (2 size + length - 2, size).

        Rows and columns pass it one after the other, as products of matrices. To multiply with all
        the zeros takes a CPU a third of the time of a convolution with one channel, and a GPU has
        no kernel for a transposed one.
        """
        pixels = torch.eye(size, dtype=dtype, device=self.taps.device)
        taps = 2 * self.taps.to(dtype).view(1, 1, -1)
        return F.conv_transpose1d(pixels.unsqueeze(1), taps, stride=2).squeeze(1).t()

    def forward(self, images: Tensor, inverse: Tensor) -> Tensor:
        """Resampled images.

        Args:
            images: (B, C, S, S), floating point.
            inverse: (B, 3, 3), from places of the result to places of the image.

        Returns:
            (B, C, S, S).
        """
        size, length = images.size(-1), len(self.taps)
        reach, margin = (size - 1) / 2, length // 2
        up = self._upsampling(size + 2 * margin, images.dtype)
        fine = up @ reflect_pad(images, margin) @ up.t()
        # The result's fine grid is just what the filter needs on the way down.
        samples = torch.arange(2 * size + length - 2, dtype=images.dtype, device=images.device)
        sources = inverse_map(inverse, (samples - self.delay) / 2 - reach)
        index = 2 * (fold(torch.stack(sources, dim=-1), reach) + reach + margin) + self.delay
        moved = grid_sample(fine, (2 * index + 1) / fine.size(-1) - 1)
        down = self._upsampling(size, images.dtype).t() / 2  # the transpose
        return down @ moved @ down.t()
