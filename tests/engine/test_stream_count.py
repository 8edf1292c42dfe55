from itertools import pairwise
from types import SimpleNamespace

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler

from mmfncontra.engine import stream_count
from mmfncontra.engine.loaders.stream_loader import numbered_batches
from mmfncontra.engine.stream_count import StreamCount


def loader(size=10, batch=4, endless=True, drop_last=False):
    images = list(range(size))
    sampler = (InfiniteSampler if endless else DefaultSampler)(images)
    batches = BatchSampler(sampler, batch, drop_last)
    return SimpleNamespace(dataset=images, sampler=sampler, batch_sampler=batches)


@pytest.mark.parametrize('endless', [True, False])
@pytest.mark.parametrize('drop_last', [True, False])
def test_images_are_those_of_the_batches(endless, drop_last):
    made = loader(endless=endless, drop_last=drop_last)
    stream = numbered_batches(made.batch_sampler)
    sizes = [len(next(stream)) for _ in range(8)]
    count = StreamCount(made)
    for iteration in range(9):
        assert count.images(iteration) == sum(sizes[:iteration])
        again = StreamCount(made)
        assert again.enter(iteration, count.state(iteration)) == iteration
        assert again.state(8) == count.state(8)
        assert StreamCount(made).enter(iteration) == iteration  # of an older checkpoint
    assert count.epochs(8) == sum(sizes) / 10


@pytest.mark.parametrize('endless', [True, False])
def test_nothing_runs_backwards_when_batches_images_or_processes_change(endless, monkeypatch):
    state, done, seen = None, 0, [(0, 0.0, 0)]
    for size, batch, world in [
        (10, 4, 1),
        (10, 1, 1),
        (40, 8, 1),
        (7, 2, 3),
        (7, 5, 1),
        (90, 6, 2),
    ]:
        monkeypatch.setattr(stream_count, 'get_world_size', lambda world=world: world)
        count = StreamCount(loader(size, batch, endless))
        count.enter(done, state)
        for iteration in range(done, done + 4):
            place = count.state(iteration)['place']
            seen.append((count.images(iteration), count.epochs(iteration), place))
        assert seen[-4][:2] == pytest.approx(seen[-5][:2]) and seen[-4][2] >= seen[-5][2]
        done += 3
        state = count.state(done)
        for before, after in pairwise(seen[-4:]):
            assert all(a < b for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize('state', [dict(images='a'), dict(images=-1), dict(dataset_size=0)])
def test_what_is_no_count_is_refused(state):
    with pytest.raises(ValueError, match='must be that of a training'):
        StreamCount(loader()).enter(3, state)
