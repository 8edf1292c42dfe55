"""Where in a discriminator the feature maps of each resolution are."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..network_facts import evaluating, num_classes

SMALLEST_MAP = 4


@torch.no_grad()
def dry_forward(discriminator: nn.Module, images: Tensor) -> None:
    """Run a discriminator once in evaluation mode, whatever it returns.

    Args:
        discriminator: The discriminator; its mode is given back.
        images: (B, 3, S, S); a class-conditional discriminator takes them as of class 0.
    """
    labels = {}
    if num_classes(discriminator):
        labels['label'] = torch.zeros(len(images), dtype=torch.long, device=images.device)
    with evaluating(discriminator):
        discriminator(images, **labels)


def probe_images(discriminator: nn.Module, size: int, num: int, seed: int = 0) -> Tensor:
    """Noise to run a discriminator with, of its channels and on its device; (num, C, S, S)."""
    generator = torch.Generator().manual_seed(seed)
    channels = getattr(discriminator, 'in_channels', 3)
    images = torch.randn(num, channels, size, size, generator=generator)
    return images.to(next(discriminator.parameters()).device)


def find_stages(
    discriminator: nn.Module, size: int, names: Sequence[str] | None = None
) -> dict[int, str]:
    """Name the submodule that puts out the trunk's last map of each resolution.

    Two runs show which submodules put out maps whose sides divide the image's, and which of these
    maps say something of their own image alone: what comes after a minibatch standard deviation
    does not. Of a resolution's submodules the outermost one counts, and of several the last.

    Args:
        discriminator: The discriminator.
        size: Side S of the images.
        names: Submodules to look at; default all.

    Returns:
        Names by side of the map, from the largest to the smallest, 4 at least.
    """
    pair = probe_images(discriminator, size, 2)
    first = _outputs(discriminator, pair)
    pair[1].neg_()
    second = _outputs(discriminator, pair)
    stages: dict[int, str] = {}
    for name, (side, sums) in first.items():
        is_trunk = side >= SMALLEST_MAP and size % side == 0 and name in second
        is_trunk = is_trunk and (names is None or name in names)
        if not is_trunk or not torch.equal(sums, second[name][1]):
            continue
        if side not in stages or name.count('.') <= stages[side].count('.'):
            stages[side] = name
    return dict(sorted(stages.items(), reverse=True))


def _outputs(discriminator: nn.Module, images: Tensor) -> dict[str, tuple[int, Tensor]]:
    """Sides of the square maps that submodules put out, and sums over the first image's map.

    By name, in the order of completion.
    """
    maps: dict[str, tuple[int, Tensor]] = {}

    def keep(name: str) -> Callable:
        def hook(module: nn.Module, _: object, output: object) -> None:
            if not isinstance(output, Tensor) or output.ndim != 4 or len(output) != len(images):
                return
            if output.shape[-1] == output.shape[-2]:
                maps.pop(name, None)  # a module that runs twice counts where it runs last
                # The maps themselves, of all modules, would not fit into memory.
                own = output[0].flatten(1).double()
                maps[name] = output.shape[-1], torch.stack((own.sum(1), own.square().sum(1)))

        return hook

    handles = [
        module.register_forward_hook(keep(name))
        for name, module in discriminator.named_modules()
        if name
    ]
    try:
        dry_forward(discriminator, images)
    finally:
        for handle in handles:
            handle.remove()
    return maps
