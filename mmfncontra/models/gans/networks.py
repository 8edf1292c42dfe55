"""What a training step asks of networks that come from anywhere."""

from collections.abc import Iterator, Sequence

from mmengine.model import Sequential as BaseSequential
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmfncontra.registry import build_model

from ..network_facts import image_size
from .freeze import freeze_layers

Images = Tensor | Sequence[Tensor]


class _InitializedOnce(BaseSequential):
    """Parent that mmagic's networks need to draw their weights: they ask it for their records."""

    def _dump_init_info(self, *args: object) -> None:
        """Not the paragraph about every parameter that mmengine writes."""


def build_network(cfg: dict | nn.Module | None) -> nn.Module | None:
    """Build a network from its config and draw its weights.

    In a distributed training mmagic's SAGAN and BigGAN take SyncBatchNorm by themselves, which the
    CPU lacks and which would wait for ever for ranks that draw no samples; they get BatchNorm.

    Args:
        cfg: Config; a network, or ``None``, is returned as it is.
    """
    network = build_model(cfg)
    if isinstance(cfg, dict) and not cfg.get('pretrained') and hasattr(network, 'init_weights'):
        _InitializedOnce(network).init_weights()
    return revert_sync_batchnorm(network) if isinstance(cfg, dict) else network


def attach_parts(
    discriminator: nn.Module | None,
    size: int | None,
    freeze_disc: int | Sequence[str],
    regularisers: dict[str, nn.Module],
    contrast: nn.Module | None,
) -> nn.Module | None:
    """Freeze layers of a discriminator, attach regularisers and wrap it for a contrast.

    Args:
        discriminator: The discriminator, changed in place.
        size: Side of the images, for a discriminator that does not say.
        freeze_disc: Layers that are not trained, see :func:`freeze_layers`.
        regularisers: Regularisers by name.
        contrast: The contrast, or ``None``.

    Returns:
        The discriminator, wrapped if there is a contrast.

    Raises:
        ValueError: If there is a contrast without a discriminator.
    """
    if discriminator is None:
        if contrast is not None:
            raise ValueError('contrast needs a discriminator, which is None')
        return None
    if freeze_disc:
        freeze_layers(discriminator, freeze_disc, image_size(discriminator, size))
    for regulariser in regularisers.values():
        if hasattr(regulariser, 'attach'):  # what has not is refused later
            regulariser.attach(discriminator, size)
    return discriminator if contrast is None else contrast.wrap(discriminator, size)


def network_parameters(network: nn.Module | None) -> Iterator[nn.Parameter]:
    """Parameters of a network, none of ``None``."""
    return iter(()) if network is None else network.parameters()


def augmented(augment: nn.Module | None, images: Images) -> Images:
    """Images after an augmentation, if there is one, one tensor or several as they came."""
    if augment is None:
        return images
    if isinstance(images, Tensor):
        # In half precision the draws for fakes would be coarser than those for real images.
        return augment(images.float())
    return [augment(image.float()) for image in images]


def detached(images: Images) -> Images:
    """Images without gradient, one tensor or several as they came."""
    if isinstance(images, Tensor):
        return images.detach()
    return [image.detach() for image in images]
