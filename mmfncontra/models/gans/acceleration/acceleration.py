"""What makes a training step faster and leaves its results alone."""

import logging
import weakref
from collections.abc import Callable, Hashable

import torch
from mmengine.logging import print_log
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.layers import normalise_jointly

from .compiled_blocks import compile_blocks
from .graphed_step import GraphedStep, check_graphable
from .memory_layout import follow_layout, lay_out_channels_last

CHOICES = ('auto', None, 'compile', 'cuda_graphs', 'compile,cuda_graphs')


class Acceleration:
    """How a GAN runs its step: as it is, with compiled networks, as CUDA graphs.

    Args:
        accelerate: One of ``CHOICES``; ``'auto'``: as CUDA graphs where that is sure to work.
        channels_last: Whether weights and images are laid out channels last.

    Raises:
        ValueError: If an argument is none of these.
    """

    def __init__(self, accelerate: str | None, channels_last: bool) -> None:
        if isinstance(accelerate, list | tuple):  # what --cfg-options makes of a comma
            accelerate = ','.join(map(str, accelerate))
        if accelerate not in CHOICES:
            raise ValueError(f'model.accelerate must be one of {CHOICES}, got {accelerate!r}')
        if not isinstance(channels_last, bool):
            raise ValueError(f'model.channels_last must be True or False, got {channels_last!r}')
        names = (accelerate or '').split(',')
        self.compiles = 'compile' in names
        self._auto = accelerate == 'auto'
        self.graphs = GraphedStep() if self._auto or 'cuda_graphs' in names else None
        self.layout = torch.channels_last if channels_last else torch.preserve_format
        # Weak: a copy of the model does not copy the optimisers.
        self._checked: weakref.ref | None = None

    def prepare(self, gan: nn.Module) -> None:
        """Lay out and compile the networks of a GAN, in place.

        Args:
            gan: A ``LimitedDataGAN`` with its networks and its average.
        """
        networks = [gan.generator, gan.discriminator]
        if self.layout is torch.channels_last:
            for network in (*networks, getattr(gan, 'generator_ema', None)):
                if network is not None:
                    lay_out_channels_last(network)
        disc = gan.discriminator
        contrastive = isinstance(disc, ContrastiveDiscriminator)
        if not self.compiles:  # a compiled block computes its norms itself
            normalise_jointly(gan.generator)
            normalise_jointly(disc.backbone if contrastive else disc)
            return
        compile_blocks(gan.generator)
        if contrastive:
            compile_blocks(disc.backbone, disc.tap_names)
            compile_blocks(disc.head)
        elif disc is not None:
            compile_blocks(disc)

    def run(
        self,
        step: Callable[[dict[str, Tensor]], dict[str, Tensor]],
        inputs: dict[str, Tensor],
        gan: nn.Module,
        optim_wrapper: OptimWrapperDict,
        due: Hashable,
    ) -> dict[str, Tensor]:
        """Do a step.

        Args:
            step: What is to be done with the inputs.
            inputs: Its tensors by name; images are laid out here.
            gan: The GAN.
            optim_wrapper: Its optimisers.
            due: The losses that are due.

        Returns:
            What ``step`` returns.

        Raises:
            ValueError: If the step is to be a CUDA graph and cannot, see :func:`check_graphable`.
        """
        if self._checked is None or self._checked() is not optim_wrapper:
            self._check(gan, optim_wrapper, next(iter(inputs.values())).device)
            self._checked = weakref.ref(optim_wrapper)
        inputs = {
            name: value.contiguous(memory_format=self.layout)
            if value.ndim == 4 and self.layout is torch.channels_last
            else value
            for name, value in inputs.items()
        }
        if self.graphs is None:
            return step(inputs)
        return self.graphs(step, inputs, gan, optim_wrapper, due)

    def forget(self) -> None:
        """Drop the steps that were recorded; they are recorded anew."""
        if self.graphs is not None:
            self.graphs.forget()

    def _check(self, gan: nn.Module, optim_wrapper: OptimWrapperDict, device: torch.device) -> None:
        for wrapper in optim_wrapper.values():
            follow_layout(wrapper.optimizer)
        if self.graphs is None:
            return
        if device.type != self.graphs.recorder.device_type:
            self.graphs = None
            if not self._auto:
                _say(
                    f"model.accelerate='cuda_graphs' has no effect on {device.type}: the step "
                    'runs as it is',
                    logging.WARNING,
                )
            return
        try:
            check_graphable(gan, optim_wrapper, known=self._auto)
        except ValueError as error:
            if not self._auto:
                raise
            self.graphs = None
            _say(f'The step runs as it is, not as a CUDA graph: {error}', logging.INFO)


def _say(message: str, level: int) -> None:
    print_log(message, logger='current', level=level)
