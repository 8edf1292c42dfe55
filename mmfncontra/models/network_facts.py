"""What networks, ours or another project's, say of themselves; evaluation mode and back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn


def out_size(generator: nn.Module) -> int | None:
    """Side of the images that a generator makes; ``None`` if it does not say."""
    return _first_number(generator, 'out_size', 'output_scale')


def in_size(discriminator: nn.Module) -> int | None:
    """Side of the images that a discriminator takes; ``None`` if it does not say."""
    return _first_number(discriminator, 'in_size', 'input_scale')


def _first_number(network: nn.Module, *names: str) -> int | None:
    values = (getattr(network, name, None) for name in names)
    return next((value for value in values if isinstance(value, int)), None)


def image_size(discriminator: nn.Module, default: int | None = None) -> int:
    """Side of the images that a discriminator takes.

    Args:
        discriminator: The discriminator.
        default: Side if it does not say.

    Raises:
        ValueError: If it does not say and there is no default.
    """
    size = in_size(discriminator) or default
    if size is None:
        raise ValueError(f'{type(discriminator).__name__} does not say its in_size')
    return size


def noise_size(generator: nn.Module) -> int:
    """Length of the noise that a generator takes.

    Args:
        generator: The generator.

    Raises:
        ValueError: If it does not say.
    """
    size = getattr(generator, 'noise_size', None)
    if not isinstance(size, int):
        raise ValueError(
            f'generator must say the length of its noise in noise_size, '
            f'got {type(generator).__name__} with noise_size={size!r}'
        )
    return size


def num_classes(network: nn.Module) -> int:
    """Classes of the images of a network; 0 of one that takes none."""
    return getattr(network, 'num_classes', 0) or 0


def full_size(images: Tensor | Sequence[Tensor]) -> Tensor:
    """(B, 3, S, S): of what a generator returns, one tensor or several, the largest images."""
    return images if isinstance(images, Tensor) else images[0]


def decoder_parameters(discriminator: nn.Module | None) -> list[nn.Parameter]:
    """Parameters of a discriminator that only reconstructions depend on, of its ``decoder_*``."""
    named = () if discriminator is None else discriminator.named_parameters()
    return [parameter for name, parameter in named if '.decoder_' in f'.{name}']


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards the mode every module had."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
