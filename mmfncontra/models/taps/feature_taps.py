"""Read feature maps inside a network while it runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from mmfncontra.config.near_names import near_names


def find_submodules(
    network: nn.Module, names: Sequence[str], argument: str = 'taps'
) -> list[nn.Module]:
    """Submodules of a network by name.

    Args:
        network: The network.
        names: As in ``network.named_modules()``.
        argument: What the names were given as, for the message.

    Raises:
        ValueError: If a name is not a submodule; the message lists those that are.
    """
    modules = {name: module for name, module in network.named_modules() if name}
    for name in names:
        if name not in modules:
            near = near_names(name, modules)
            listed = near or [n for n in modules if n.count('.') <= 1]
            raise ValueError(
                f'{argument}: {type(network).__name__} has no submodule {name!r}; '
                f'{"did you mean one of" if near else "it has"} {listed}'
            )
    return [modules[name] for name in names]


class FeatureTaps:
    """Forward hooks that collect the outputs of named submodules.

    Args:
        network: The network to read.
        names: Submodule names as in ``network.named_modules()``.

    Raises:
        ValueError: If a name is not a submodule; the message lists those that are.

    Example:
        >>> import torch
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3))
        >>> with FeatureTaps(net, ['0', '2']).record() as maps:
        ...     _ = net(torch.zeros(1, 3, 8, 8))
        >>> [tuple(m.shape) for m in maps]
        [(1, 4, 6, 6), (1, 8, 4, 4)]
    """

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._modules = find_submodules(network, names)

    @contextmanager
    def record(self) -> Iterator[list[Tensor]]:
        """Collect the maps of the forward that runs inside the block.

        Yields:
            A list filled, in the order of ``names``, by the time the forward ends.
        """
        found: dict[int, Tensor] = {}
        maps: list[Tensor] = []

        def keep(module: nn.Module, _: object, output: Tensor) -> None:
            found[id(module)] = output

        handles = [module.register_forward_hook(keep) for module in self._modules]
        try:
            yield maps
        finally:
            for handle in handles:
                handle.remove()
            maps.extend(found[id(m)] for m in self._modules if id(m) in found)
