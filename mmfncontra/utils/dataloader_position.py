"""A data loader in the middle of a training."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
from mmengine.dataset import InfiniteSampler
from torch.utils.data import DataLoader


def continued_seed(seed: int, iteration: int) -> int:
    """Seed for what is random after an iteration, so that a resumed training repeats no numbers.

    Args:
        seed: Seed at the start.
        iteration: Iterations done.

    Returns:
        A number below 2^31, a function of both.
    """
    return int(np.random.SeedSequence([seed, iteration]).generate_state(1)[0] >> 1)


def iterate_after(dataloader: DataLoader, num_batches: int) -> Iterator:
    """Start an iterator that goes on after some batches, without reading their images.

    With mmengine's ``InfiniteSampler`` the indices are those of a loader that was never left. With
    another sampler what is left of the epoch that was interrupted is taken in the order of that
    epoch, which has to be read from its start.

    Args:
        dataloader: A new loader; iterators over it may exist, they are not to be used any more.
        num_batches: Batches that were taken before.

    Returns:
        Iterator over the batches that follow.
    """
    init = dataloader.worker_init_fn
    if dataloader.num_workers and isinstance(init, partial) and 'seed' in init.keywords:
        seed = continued_seed(init.keywords['seed'], num_batches)
        dataloader.worker_init_fn = partial(init, seed=seed)
        dataloader._iterator = None  # persistent workers have their seeds already
    sampler = getattr(dataloader.batch_sampler, 'sampler', dataloader.sampler)
    if isinstance(sampler, InfiniteSampler):
        # Its one stream of indices is shared: an earlier iterator may have taken from it.
        done = num_batches * dataloader.batch_sampler.batch_size
        sampler.indices = islice(sampler._indices_of_rank(), done, None)
        return iter(dataloader)
    epoch, num_batches = divmod(num_batches, len(dataloader))
    if hasattr(sampler, 'set_epoch'):
        sampler.set_epoch(epoch)
    return islice(iter(dataloader), num_batches, None)
