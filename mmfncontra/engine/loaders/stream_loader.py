"""The images of a training as one endless stream that can be entered anywhere."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_rank, get_world_size
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler

from mmfncontra.utils.rng import continued_seed, isolated_rng

Places = list[tuple[int, int]]


def numbered_batches(batches: Sampler, after: int = 0) -> Iterator[Places]:
    """Batches of a batch sampler without end, each index with its place in the stream.

    The stream is that of all ranks: rank r of W holds the places r, r + W, r + 2 W, …, which with
    mmengine's samplers are those of one rank that takes all. A sampler with an end begins its next
    epoch there.

    Args:
        batches: The batch sampler.
        after: Batches that are left out. Their indices are taken, their images are not read.

    Yields:
        Pairs of a place and an index of the data set.

    Raises:
        ValueError: If an epoch has no batch.
    """
    sampler = getattr(batches, 'sampler', None)
    if isinstance(sampler, InfiniteSampler):
        # Its one stream of indices is shared: an earlier iterator may have taken from it.
        sampler.indices = sampler._indices_of_rank()
    rank, world_size = get_rank(), get_world_size()
    batch_number = taken = 0
    for epoch in count():
        for each in (sampler, batches):
            if hasattr(each, 'set_epoch'):
                each.set_epoch(epoch)
        before = batch_number
        for indices in batches:
            if batch_number >= after:
                yield [((taken + i) * world_size + rank, x) for i, x in enumerate(indices)]
            batch_number += 1
            taken += len(indices)
        if batch_number == before:
            raise ValueError(
                'train_dataloader gives no batch: batch_size must be at most the number of images '
                'of a rank where drop_last=True'
            )


class _BatchNumbers(Sampler):
    """What a data loader asks for the next batch."""

    def __init__(self, batches: Sampler, after: int) -> None:
        self.batches, self.after = batches, after

    def __iter__(self) -> Iterator[Places]:
        return numbered_batches(self.batches, self.after)


class _Seeded(Dataset):
    """A data set whose transforms draw the same numbers for a place whoever reads it, and when."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self.dataset, self.seed = dataset, seed

    def __getitem__(self, place: tuple[int, int]) -> object:
        position, index = place
        with isolated_rng(continued_seed(self.seed, position)):
            return self.dataset[index]


def begin_worker(parent: int, begin: Callable[[int], None] | None, number: int) -> None:
    """Keep a worker through a signal that all processes get: the training needs it to save.

    torch's own handler would end it, and the training with an error.

    Args:
        parent: The process that may end it.
        begin: What else a worker begins with.
        number: Of the worker.
    """
    for name in ('SIGUSR1', 'SIGHUP'):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, 'sigwaitinfo'):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_leave_when_told_by, args=(parent,), daemon=True).start()
    if begin is not None:
        begin(number)


def _leave_when_told_by(parent: int) -> None:
    """End a worker that its training does not need any more."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


class StreamLoader:
    """Serves the batches of a data loader as a stream that a training can leave and enter again.

    What transforms draw (a flip, a crop) depends on the seed and on the place of the image in the
    stream alone: not on the number of workers, nor of ranks, nor on where the training was
    interrupted; and the random numbers of the training do not depend on the transforms.

    Args:
        loader: The loader; it is not iterated.

    Attributes:
        dataset: The loader's.
        sampler: The loader's.
        batch_sampler: The loader's.
        batch_size: The loader's.
        num_workers: The loader's.
        collate_fn: The loader's.
    """

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader
        self.dataset = loader.dataset
        self.sampler = loader.sampler
        self.batch_sampler = loader.batch_sampler
        self.batch_size = loader.batch_size
        self.num_workers = loader.num_workers
        self.collate_fn = loader.collate_fn

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator:
        return self.stream()

    def stream(self, after: int = 0, seed: int = 0) -> Iterator:
        """Batches without end.

        Args:
            after: Batches that were taken before.
            seed: Seed of the transforms, the same on every rank.

        Yields:
            What the loader's ``collate_fn`` returns.
        """
        loader = self._loader
        in_order(loader.sampler, seed)
        workers = {}
        if loader.num_workers:
            workers = dict(
                prefetch_factor=loader.prefetch_factor,
                multiprocessing_context=loader.multiprocessing_context,
            )
        yield from DataLoader(
            _Seeded(loader.dataset, seed),
            batch_sampler=_BatchNumbers(loader.batch_sampler, after),
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            timeout=loader.timeout,
            worker_init_fn=loader.worker_init_fn,
            # Its own: each iterator draws a number, which would shift those of the training.
            generator=torch.Generator().manual_seed(seed),
            **workers,
        )


def in_order(sampler: Sampler, seed: int) -> None:
    """Give torch's ``RandomSampler`` an order that can be found again.

    Args:
        sampler: Any sampler; others are left as they are.
        seed: Seed of the order.
    """
    if isinstance(sampler, RandomSampler):
        sampler.generator = torch.Generator().manual_seed(seed)


def indices_of(batches: Sequence[Places]) -> Tensor:
    """The indices of some batches, one after the other.

    Args:
        batches: From :func:`numbered_batches`.

    Returns:
        int64 (sum of the batches' sizes,).
    """
    return torch.tensor([index for batch in batches for _, index in batch])
