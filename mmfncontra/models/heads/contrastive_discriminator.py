"""A discriminator together with its contrastive head."""

from collections.abc import Sequence

from torch import Tensor, nn

from mmfncontra.registry import MODELS

from ..network_facts import image_size, num_classes
from ..taps import FeatureTaps, dry_forward, find_stages, probe_images


class ContrastiveDiscriminator(nn.Module):
    """Wraps a discriminator with a head that reads its feature maps.

    One module, so that head and network share an optimiser, a checkpoint and a distributed wrapper.
    The head's input size is read off a dry forward, never typed by hand.

    Args:
        backbone: The discriminator.
        head: Config of the head, such as ``dict(type='WaveletContrastiveHead')``.
        taps: What the head reads, shallow to deep: names of submodules, or sides of feature maps in
            pixels, whose last map is taken (:func:`find_stages`). ``None`` takes the
            ``feature_taps`` of the discriminator, and one map of each side where it names none.
        in_size: Side of the images, for a discriminator that does not say.

    Raises:
        ValueError: If a tap is no submodule or there is no map of that side, listing those that
            exist.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: dict,
        taps: Sequence[str | int] | None = None,
        in_size: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.in_size = image_size(backbone, in_size)
        self.has_decoders = getattr(backbone, 'has_decoders', False)
        self.num_classes = num_classes(backbone)
        self.tap_names = self._settle_taps(taps)
        last = self._dry_maps()[-1]
        self.head = MODELS.build(
            head, default_args=dict(in_channels=last.shape[1], in_size=last.shape[-1])
        )

    def _settle_taps(self, taps: Sequence[str | int] | None) -> tuple[str, ...]:
        own = getattr(self.backbone, 'feature_taps', None)
        if isinstance(taps, str):
            raise ValueError(f"contrast.taps must be a list, such as ['{taps}'], got {taps!r}")
        taps = taps or own
        if taps and all(isinstance(tap, str) for tap in taps):
            return tuple(taps)
        stages = find_stages(self.backbone, self.in_size, own)
        if not taps:
            taps = tuple(stages)
        missing = [tap for tap in taps if isinstance(tap, int) and tap not in stages]
        if missing or not taps:
            raise ValueError(
                f'contrast.taps: {type(self.backbone).__name__} has no feature map of side '
                f'{missing or "4 or more"}; it has {list(stages)}, or name its submodules'
            )
        return tuple(stages[tap] if isinstance(tap, int) else tap for tap in taps)

    def _dry_maps(self) -> list[Tensor]:
        with FeatureTaps(self.backbone, self.tap_names).record() as maps:
            dry_forward(self.backbone, probe_images(self.backbone, self.in_size, 1))
        if len(maps) < len(self.tap_names) or any(m.ndim != 4 for m in maps):
            raise ValueError(
                f'contrast.taps: not all of {list(self.tap_names)} put out feature maps '
                f'(B, C, h, w) when {type(self.backbone).__name__} runs'
            )
        odd = [
            f'{name} ({m.shape[-2]}x{m.shape[-1]})'
            for name, m in zip(self.tap_names[:-1], maps, strict=False)
            if m.shape[-2] % 2 or m.shape[-1] % 2
        ]
        if odd:
            raise ValueError(f'contrast.taps: prototypes need maps of even sides, got {odd}')
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
