"""What a training step asks of networks that come from anywhere."""

from collections.abc import Iterator, Sequence

from mmengine.model import Sequential as BaseSequential
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmfncontra.registry import build_model

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


def out_size(generator: nn.Module) -> int | None:
    """Side of the images that a generator makes; ``None`` if it does not say."""
    return getattr(generator, 'out_size', None) or getattr(generator, 'output_scale', None)


def network_parameters(network: nn.Module | None) -> Iterator[nn.Parameter]:
    """Parameters of a network, none of ``None``."""
    return iter(()) if network is None else network.parameters()


def detached(images: Images) -> Images:
    """Images without gradient, one tensor or several as they came."""
    if isinstance(images, Tensor):
        return images.detach()
    return [image.detach() for image in images]
