"""A discriminator together with its contrastive head."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS

from .feature_taps import FeatureTaps


class ContrastiveDiscriminator(nn.Module):
    """Wraps a discriminator with a head that reads its feature maps.

    One module, so that head and network share an optimiser, a checkpoint and a distributed wrapper.
    The head's input size is read off a dry forward, never typed by hand.

    Args:
        backbone: The discriminator, with an ``in_size``.
        head: Config of the head, such as ``dict(type='WaveletContrastiveHead')``.
        taps: Names of the submodules whose outputs the head reads, shallow to deep. ``None`` takes
            the ``feature_taps`` of the discriminator.

    Raises:
        ValueError: If a tap is no submodule, or neither ``taps`` nor the discriminator names any.
    """

    def __init__(self, backbone: nn.Module, head: dict, taps: Sequence[str] | None = None) -> None:
        super().__init__()
        taps = taps or getattr(backbone, 'feature_taps', None)
        if not taps:
            raise ValueError(
                f'contrast.taps: {type(backbone).__name__} does not say which feature maps to '
                'read; name its submodules, shallow to deep'
            )
        self.backbone = backbone
        self.in_size = backbone.in_size
        self.has_decoders = getattr(backbone, 'has_decoders', False)
        self.tap_names = tuple(taps)
        last = self._dry_forward()[-1]
        self.head = MODELS.build(
            head, default_args=dict(in_channels=last.shape[1], in_size=last.shape[-1])
        )

    @torch.no_grad()
    def _dry_forward(self) -> list[Tensor]:
        was_training = self.backbone.training
        channels, size = getattr(self.backbone, 'in_channels', 3), self.backbone.in_size
        with FeatureTaps(self.backbone.eval(), self.tap_names).record() as maps:
            self.backbone(torch.zeros(1, channels, size, size))
        self.backbone.train(was_training)
        return maps

    def forward(
        self,
        images: Tensor | Sequence[Tensor],
        embed: bool = False,
        prototypes: bool = False,
        **kwargs: object,
    ) -> object:
        """The discriminator's output, with the head's where it is asked for.

        Args:
            images: What the discriminator takes.
            embed: Return the instance embedding.
            prototypes: Return the wavelet prototypes.
            **kwargs: Passed on to the discriminator.

        Returns:
            The discriminator's own output; with ``embed`` or ``prototypes`` a triple of it, the
            embedding (B, E) or ``None``, and the prototypes or ``None``.
        """
        if not (embed or prototypes):
            return self.backbone(images, **kwargs)
        with FeatureTaps(self.backbone, self.tap_names).record() as maps:
            output = self.backbone(images, **kwargs)
        *trunk, last = maps
        return (
            output,
            self.head.embed(last) if embed else None,
            self.head.prototypes(trunk) if prototypes else None,
        )
