from functools import partial
from itertools import islice

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler, worker_init_fn
from torch.utils.data import DataLoader, Dataset

from mmfncontra.utils.dataloader_position import continued_seed, iterate_after


class Numbers(Dataset):
    def __init__(self, num=7) -> None:
        self.num = num
        self.reads = 0

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index):
        self.reads += 1
        return index


def _loader(sampler=InfiniteSampler, **options):
    dataset = Numbers()
    return DataLoader(dataset, batch_size=3, sampler=sampler(dataset, seed=5), **options)


def _lists(batches):
    return [batch.tolist() for batch in batches]


@pytest.mark.parametrize('num', [1, 4, 9])
@pytest.mark.parametrize('workers', [0, 2])
def test_the_order_is_that_of_a_loader_never_left(num, workers):
    expected = _lists(islice(iter(_loader()), num + 5))[num:]
    loader = _loader(num_workers=workers)
    unused = iter(loader)  # workers take indices ahead
    assert _lists(islice(iterate_after(loader, num), 5)) == expected
    del unused


def test_past_images_are_not_read():
    loader = _loader()
    next(iterate_after(loader, 1000))
    assert loader.dataset.reads == 3


def test_a_sampler_with_an_end():
    def epochs(loader):
        for epoch in range(3):
            loader.sampler.set_epoch(epoch)
            yield from loader

    expected = _lists(epochs(_loader(DefaultSampler)))
    loader = _loader(DefaultSampler)
    assert _lists(iterate_after(loader, 5)) == expected[5:6]
    assert loader.dataset.reads <= 7


def test_workers_do_not_repeat_their_random_numbers():
    class Random(Numbers):
        def __getitem__(self, index):
            return torch.rand(())

    def loader():
        init = partial(worker_init_fn, num_workers=1, rank=0, seed=3)
        dataset = Random()
        return DataLoader(
            dataset,
            sampler=InfiniteSampler(dataset, seed=5),
            num_workers=1,
            persistent_workers=True,
            worker_init_fn=init,
        )

    begun, resumed = loader(), loader()
    first = _lists(islice(iter(begun), 4))
    unused = iter(resumed)
    later = _lists(islice(iterate_after(resumed, 4), 4))
    assert not set(map(tuple, first)) & set(map(tuple, later))
    del unused


def test_seeds_differ_by_both_numbers():
    seeds = {continued_seed(seed, iteration) for seed in range(20) for iteration in range(20)}
    assert len(seeds) == 400 and all(0 <= seed < 2**31 for seed in seeds)
