import random
from itertools import islice

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader, Dataset, RandomSampler

from mmfncontra.engine.loaders.stream_loader import StreamLoader, numbered_batches


class Numbers(Dataset):
    """Seven items: their index and what is drawn with each of three generators."""

    def __init__(self, num=7) -> None:
        self.num = num
        self.reads = 0

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index):
        self.reads += 1
        return torch.tensor([index, random.random(), np.random.rand(), torch.rand(()).item()])


def make(sampler=InfiniteSampler, batch_size=3, **options):
    dataset = Numbers()
    chosen = sampler(dataset, seed=5) if sampler is not RandomSampler else RandomSampler(dataset)
    return StreamLoader(DataLoader(dataset, batch_size=batch_size, sampler=chosen, **options))


def lists(batches, num):
    return [batch.tolist() for batch in islice(batches, num)]


SAMPLERS = [InfiniteSampler, DefaultSampler, RandomSampler]


@pytest.mark.parametrize('sampler', SAMPLERS)
@pytest.mark.parametrize(('after', 'workers'), [(1, 0), (4, 2), (9, 0)])
def test_images_and_draws_are_those_of_a_stream_never_left(sampler, after, workers):
    whole = lists(make(sampler).stream(0, seed=3), after + 4)
    again = make(sampler, num_workers=workers)
    unused = lists(again.stream(0, seed=3), 2)  # an earlier iterator
    assert unused == whole[:2]
    assert lists(again.stream(after, seed=3), 4) == whole[after:]


@pytest.mark.parametrize('sampler', [InfiniteSampler, DefaultSampler])
def test_the_order_is_the_samplers(sampler):
    def epochs(loader):
        for epoch in range(3):
            loader.sampler.set_epoch(epoch)
            yield from loader

    expected = [batch[:, 0].tolist() for batch in islice(epochs(make(sampler)._loader), 8)]
    assert [batch[:, 0].tolist() for batch in islice(make(sampler).stream(), 8)] == expected


def test_draws_differ_by_place_and_seed():
    batches = lists(make().stream(0, seed=3), 20) + lists(make().stream(0, seed=4), 20)
    for column in (1, 2, 3):
        drawn = [item[column] for batch in batches for item in batch]
        assert len(set(drawn)) == len(drawn)


def test_the_numbers_of_the_training_are_not_touched():
    before = (random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state())
    for workers in (0, 1):
        lists(make(num_workers=workers).stream(0, seed=3), 4)
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()
    assert torch.equal(torch.get_rng_state(), before[2])


def test_past_images_are_not_read():
    loader = make()
    next(loader.stream(1000))
    assert loader.dataset.reads == 3


def test_two_ranks_see_and_draw_what_one_does(monkeypatch):
    whole = lists(make(batch_size=4).stream(0, seed=3), 6)
    parts = []
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        monkeypatch.setattr(
            'mmfncontra.engine.loaders.stream_loader.get_rank', lambda rank=rank: rank
        )
        monkeypatch.setattr('mmfncontra.engine.loaders.stream_loader.get_world_size', lambda: 2)
        parts.append(lists(make(batch_size=2).stream(0, seed=3), 6))
    for batch, one, other in zip(whole, *parts, strict=True):
        assert [one[0], other[0], one[1], other[1]] == batch


def test_a_stream_without_batches_says_so():
    with pytest.raises(ValueError, match='gives no batch: batch_size must be at most'):
        next(numbered_batches(make(DefaultSampler, 8, drop_last=True).batch_sampler))
