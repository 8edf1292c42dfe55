"""FreezeD: keep the first layers of a discriminator as they are."""

from collections.abc import Sequence

from torch import nn

from ..taps import dry_forward, find_stages, find_submodules, probe_images


def freeze_layers(
    discriminator: nn.Module, layers: int | str | Sequence[str], in_size: int
) -> None:
    """Stop training the layers of a discriminator next to the image.

    Source: Mo et al., *Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs*, 2020,
    arXiv 2002.10964.

    Args:
        discriminator: The discriminator, without a contrastive head.
        layers: Names of submodules or one name, or a number n: what runs before, and in, the n-th
            largest feature map.
        in_size: Side of the images.

    Raises:
        ValueError: If a name is no submodule, the network has fewer maps than n, or there is
            nothing to freeze: the first layers of a ``ProjectedDiscriminator`` are never trained.
    """
    if isinstance(layers, str):
        layers = [layers]
    if isinstance(layers, int):
        modules = _first_layers(discriminator, layers, in_size)
    else:
        modules = find_submodules(discriminator, layers, 'freeze_disc')
    if not any(True for module in modules for _ in module.parameters()):
        raise ValueError(
            f'freeze_disc={layers}: these layers of {type(discriminator).__name__} have no weights '
            'that are trained; set freeze_disc=0'
        )
    for module in modules:
        module.requires_grad_(False)


def _first_layers(discriminator: nn.Module, num: int, in_size: int) -> list[nn.Module]:
    """What runs before, and in, the largest feature maps, ``num`` of them."""
    taps = getattr(discriminator, 'feature_taps', None)
    stages = list(find_stages(discriminator, in_size, taps).values())
    if not 0 < num < len(stages):
        raise ValueError(
            f'freeze_disc must be below {len(stages)}, the number of feature maps of '
            f'{type(discriminator).__name__}, or a list of its submodules, got {num}'
        )
    return _run_until(discriminator, stages[num - 1], in_size)


def _run_until(discriminator: nn.Module, last: str, in_size: int) -> list[nn.Module]:
    """The modules with parameters of their own that have run when a submodule has."""
    ran: list[nn.Module] = []
    done: list[bool] = []
    handles = []
    for name, module in discriminator.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            handles.append(
                module.register_forward_hook(
                    lambda module, *_: None if done else ran.append(module)
                )
            )
        if name == last:
            handles.append(module.register_forward_hook(lambda *_: done.append(True)))
    try:
        dry_forward(discriminator, probe_images(discriminator, in_size, 1))
    finally:
        for handle in handles:
            handle.remove()
    return ran
