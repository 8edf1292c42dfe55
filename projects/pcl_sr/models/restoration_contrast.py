"""What the contrast of a restored image is made of."""

from collections.abc import Sequence

import torch
from mmagic.registry import MODELS
from torch import Tensor, nn

from mmfncontra.utils.checks import check_integers


@MODELS.register_module()
class RestorationContrast(nn.Module):
    """Contrasts restored images with sharp and blurred versions of the truth.

    Positives are the ground truth and ``num_views`` sharpened copies of it; negatives are blurred
    copies of it and the low-resolution input, enlarged. A discriminator's feature maps are the
    space in which they are compared.

    Args:
        loss: Config of the loss, ``mmfncontra.RestorationContrastLoss``.
        negatives: Config of what makes blurred copies, such as ``mmfncontra.LowPassNegatives``.
        view: Config of what sharpens, such as ``mmfncontra.HighBoostView``.
        num_views: How many sharpened copies.
        layers: Which of the discriminator's feature maps count, by index; ``None``: all.

    Raises:
        ValueError: If ``num_views`` is no whole number of 0 or more.
    """

    def __init__(
        self,
        loss: dict,
        negatives: dict,
        view: dict,
        num_views: int = 1,
        layers: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        check_integers(0, num_views=num_views)
        self.loss = MODELS.build(loss)
        self.negatives = MODELS.build(negatives)
        self.view = MODELS.build(view)
        self.num_views = num_views
        self.layers = layers

    def forward(
        self, discriminator: nn.Module, restored: Tensor, truth: Tensor, enlarged: Tensor
    ) -> Tensor:
        """Loss of a batch.

        Args:
            discriminator: Network with ``features(images) -> list of feature maps``.
            restored: Output of the generator, (B, C, H, W).
            truth: Ground truth, (B, C, H, W).
            enlarged: Low-resolution input, enlarged to the same size.

        Returns:
            The loss, a scalar. Its gradient flows through the restored images alone.
        """
        with torch.no_grad():
            positives = [truth, *(self.view(truth) for _ in range(self.num_views))]
            negatives = [*self.negatives(truth).values(), enlarged]
            together = self._features(discriminator, torch.cat([*positives, *negatives]))
        by_image = list(zip(*(maps.split(len(truth)) for maps in together), strict=True))
        anchor = self._features(discriminator, restored)
        return self.loss(anchor, by_image[: len(positives)], by_image[len(positives) :])

    def _features(self, discriminator: nn.Module, images: Tensor) -> list[Tensor]:
        maps = discriminator.features(images)
        return maps if self.layers is None else [maps[i] for i in self.layers]
