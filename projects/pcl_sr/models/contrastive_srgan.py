"""mmagic's SRGAN and ESRGAN with a contrastive loss in the generator's step."""

from typing import Any

from mmagic.models.editors.esrgan import ESRGAN
from mmagic.models.editors.srgan import SRGAN
from mmagic.registry import MODELS
from torch import Tensor

from mmfncontra.utils.unwrap import unwrap

from .bicubic import upsample


class ContrastMixin:
    """Adds ``loss_contrast`` to the generator's losses; all else is mmagic's.

    The discriminator is the embedding network. With ``gan_loss.loss_weight=0`` it is trained to
    tell real images from restored ones and the generator does not learn to deceive it: contrast for
    a network like EDSR, which has no adversarial loss.

    Args:
        *args: Arguments of mmagic's class.
        contrast: Config of the :class:`RestorationContrast`.
        **kwargs: Arguments of mmagic's class.

    Raises:
        ValueError: If there is no discriminator, or it has no ``features``.
    """

    def __init__(self, *args: Any, contrast: dict, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not hasattr(self.discriminator, 'features'):
            raise ValueError(
                'discriminator must have a method features(images), such as '
                f'mmfncontra.FrequencyDiscriminator, got {type(self.discriminator).__name__}'
            )
        self.contrast = MODELS.build({'type': 'RestorationContrast', **contrast})
        self._inputs: Tensor | None = None

    def forward_train(self, inputs: Tensor, data_samples: Any = None, **kwargs: Any) -> Tensor:
        """Restore the images, and keep the input: ``g_step`` is not given it."""
        self._inputs = inputs
        return super().forward_train(inputs, data_samples, **kwargs)

    def g_step(self, batch_outputs: Tensor, batch_gt_data: Tensor) -> dict[str, Tensor]:
        """Losses of the generator.

        Args:
            batch_outputs: Restored images, (B, C, H, W).
            batch_gt_data: Ground truth, (B, C, H, W).

        Returns:
            The losses by name: mmagic's and ``loss_contrast``.
        """
        losses = super().g_step(batch_outputs, batch_gt_data)
        enlarged = upsample(self._inputs, batch_outputs.size(-1) // self._inputs.size(-1))
        losses['loss_contrast'] = self.contrast(
            unwrap(self.discriminator), batch_outputs, batch_gt_data, enlarged
        )
        return losses


@MODELS.register_module()
class ContrastiveSRGAN(ContrastMixin, SRGAN):
    """mmagic's SRGAN with contrast."""


@MODELS.register_module()
class ContrastiveESRGAN(ContrastMixin, ESRGAN):
    """mmagic's ESRGAN with contrast."""
