"""Batches of images from a generator, each image a function of its noise and its seed alone."""

import random
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmfncontra.utils.precision import autocast_to, check_precision
from mmfncontra.utils.rng import isolated_rng

from ..network_facts import full_size
from .per_image_draws import PerImageDraws

_BATCH_WITHOUT_GPU = 16
# More images at once bring nothing on a GPU that these fill, and maps of 1024 pixels would pass
# the 2^31 elements that some kernels can count.
_LARGEST_BATCH = 128
# What a batch needs is not in proportion to that of one image: cuDNN's workspaces, fragmentation.
_SHARE_OF_FREE_MEMORY = 0.5


def _row(kwargs: dict, index: int) -> dict:
    """Arguments for one image of a batch."""
    return _rows(kwargs, slice(index, index + 1))


def _rows(kwargs: dict, part: slice) -> dict:
    return {
        name: value[part] if isinstance(value, Tensor) else value for name, value in kwargs.items()
    }


def _rng_states(device: torch.device) -> tuple:
    """States of all global random generators a network may draw from; nothing waits for a GPU."""
    states = [torch.get_rng_state()]
    if device.type == 'cuda':
        states.append(torch.cuda.get_rng_state(device))
    _, keys, *position = np.random.get_state()
    return (
        *(state.numpy().tobytes() for state in states),
        keys.tobytes(),
        tuple(position),
        random.getstate(),
    )


class ImageRenderer:
    """Runs a generator on batches; what image it makes does not depend on the batch.

    A generator that draws random numbers in ``forward`` is given, for each image, the numbers that
    it would draw for this image alone after a seeding with the image's seed
    (:class:`PerImageDraws`). Where that cannot be, because it draws something that all images of a
    batch share, or draws from numpy or Python, images are made one by one. The first image is made
    once more than needed, to see how the generator draws.

    A batch that does not fit into the memory of the GPU is made in parts.

    Args:
        generator: In evaluation mode; maps noise (B, Z) to images (B, 3, S, S), or to a list of
            which they are the first.
        device: Where it is.
        precision: One of :data:`~mmfncontra.utils.precision.PRECISIONS`.

    Attributes:
        one_by_one: Whether batches have to be made image by image; ``None`` before the first.
        largest: Most images that are known to fit at once; ``None`` where none was refused.
    """

    def __init__(
        self, generator: nn.Module, device: torch.device, precision: str = 'float32'
    ) -> None:
        self.generator, self.device = generator, device
        self.precision = check_precision(precision)
        self.one_by_one: bool | None = None
        self.largest: int | None = None
        self._shapes: list[tuple[int, ...]] = []  # of what an image draws

    def __call__(self, noise: Tensor, seeds: Sequence[int], kwargs: dict[str, Any]) -> Tensor:
        """Make images. The global random generators are seeded and changed: isolate them.

        Args:
            noise: (B, Z).
            seeds: B seeds.
            kwargs: Further arguments of the generator; of tensors, one row belongs to each image.

        Returns:
            (B, 3, S, S).
        """
        if self.one_by_one is None:
            self._look_at_first(noise, seeds, kwargs)
        parts: list[Tensor] = []
        done = 0
        while done < len(noise):
            size = min(self.largest or len(noise), len(noise) - done)
            part = slice(done, done + size)
            images = self._unless_out_of_memory(noise[part], seeds[part], _rows(kwargs, part))
            if images is None:
                self.largest = size // 2
                if self.device.type == 'cuda':
                    torch.cuda.empty_cache()
                continue
            parts.append(images)
            done += size
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def fitting_batch(self, noise: Tensor, seeds: Sequence[int], kwargs: dict[str, Any]) -> int:
        """Images at once that should fit: on a GPU by what one image takes, of what is free.

        Args:
            noise: See :meth:`__call__`; the first row is made.
            seeds: See :meth:`__call__`.
            kwargs: See :meth:`__call__`.

        Returns:
            A number from 1 to 128; 16 without a GPU.
        """
        if self.device.type != 'cuda':
            return _BATCH_WITHOUT_GPU
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        self._look_at_first(noise, seeds, kwargs)
        needed = max(1, torch.cuda.max_memory_allocated(self.device) - before)
        free, _ = torch.cuda.mem_get_info(self.device)
        cached = torch.cuda.memory_reserved(self.device) - before
        fitting = int(_SHARE_OF_FREE_MEMORY * (free + cached) / needed)
        return min(max(1, fitting), _LARGEST_BATCH)

    def _look_at_first(self, noise: Tensor, seeds: Sequence[int], kwargs: dict) -> None:
        """See whether, and what, the generator draws for an image."""
        before = _rng_states(self.device)
        with PerImageDraws(seeds[:1]) as draws:  # only their shapes count
            self._run(noise[:1], _row(kwargs, 0))
        self.one_by_one = _rng_states(self.device) != before
        self._shapes = draws.shapes

    def _unless_out_of_memory(
        self, noise: Tensor, seeds: Sequence[int], kwargs: dict
    ) -> Tensor | None:
        try:
            return self._render(noise, seeds, kwargs)
        except torch.OutOfMemoryError:
            if len(noise) == 1:
                raise
        # Out of the handler, whose exception holds the maps of the forward pass.
        return None

    def _render(self, noise: Tensor, seeds: Sequence[int], kwargs: dict) -> Tensor:
        if not self.one_by_one:
            before = _rng_states(self.device)
            draws = PerImageDraws(seeds, self._shapes, in_float32=self.precision != 'float32')
            with draws if self._shapes else nullcontext():
                images = self._run(noise, kwargs)
            # Unchanged states show that no draw went past; the number of draws may depend on data.
            if draws.shapes == self._shapes and _rng_states(self.device) == before:
                return images
            self.one_by_one = True
        images = []
        for i, seed in enumerate(seeds):
            with isolated_rng(seed, self.device):
                images.append(self._run(noise[i : i + 1], _row(kwargs, i)))
        return torch.cat(images)

    def _run(self, noise: Tensor, kwargs: dict) -> Tensor:
        with autocast_to(self.precision, self.device):
            return full_size(self.generator(noise, **kwargs))
