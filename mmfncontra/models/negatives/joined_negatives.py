"""Negatives of several kinds."""

from collections.abc import Sequence

from torch import Tensor, nn


class JoinedNegatives(nn.ModuleList):
    """Negatives of several kinds as one: the levels of all, in order.

    Args:
        parts: Modules from images (B, C, H, W) to their negatives by level, whose ``LEVELS`` name
            these.

    Raises:
        ValueError: If two of them make a level of the same name.

    Example:
        >>> from mmfncontra.models.negatives import LowPassNegatives
        >>> from mmfncontra.models.wavelets import FrequencyNegatives
        >>> JoinedNegatives([FrequencyNegatives(), LowPassNegatives(num=2)]).LEVELS
        ('easy', 'middle', 'hard', 'blur1', 'blur2')
    """

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__(parts)
        self.LEVELS = tuple(level for part in parts for level in part.LEVELS)
        if len(set(self.LEVELS)) < len(self.LEVELS):
            names = [type(part).__name__ for part in parts]
            raise ValueError(
                f'negatives must make levels of different names, got {list(self.LEVELS)} of {names}'
            )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Negatives of every image.

        Args:
            images: (B, C, H, W).

        Returns:
            Negatives of the same shape by level.
        """
        return {level: x for part in self for level, x in part(images).items()}
