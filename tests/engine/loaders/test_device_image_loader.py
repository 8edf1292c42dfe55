import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmfncontra.datasets import ProceduralShells
from mmfncontra.engine.loaders.device_image_loader import (
    DeviceImageLoader,
    check_device_images,
    serve_from_device,
)
from mmfncontra.engine.loaders.stream_loader import StreamLoader
from mmfncontra.engine.resumable_iter_train_loop import ResumableIterTrainLoop

CPU = torch.device('cpu')
PIPELINE = [dict(type='mmfncontra.PackImages', extra_keys=['sample_idx'])]
FLIP = dict(type='mmcv.RandomFlip', prob=0.5, direction='horizontal')


@pytest.fixture(scope='module')
def dataset():
    return ProceduralShells(7, 8, pipeline=PIPELINE)


@pytest.fixture
def loader(dataset):
    """Makes a loader as a training does."""

    def build(sampler='InfiniteSampler', **kwargs):
        cfg = dict(
            batch_size=3,
            num_workers=0,
            sampler=dict(type=sampler, shuffle=True),
            dataset=copy.copy(dataset),
        )
        return Runner.build_dataloader(cfg | kwargs, seed=5)

    return build


def take(batches, num):
    return [batch for batch, _ in zip(batches, range(num), strict=False)]


def same(ours, theirs):
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert list(one) == list(other)
        for key in one:
            assert torch.equal(one[key], torch.stack(other[key]))


@pytest.mark.parametrize('sampler', ['InfiniteSampler', 'DefaultSampler'])
def test_images_and_their_order_are_the_loaders(loader, sampler, monkeypatch):
    monkeypatch.setattr('mmfncontra.engine.loaders.device_image_loader._BLOCK', 4)
    ours = DeviceImageLoader(loader(sampler), CPU)
    same(take(ours, 10), take(StreamLoader(loader(sampler)), 10))
    assert len(ours) == len(loader(sampler))


@pytest.mark.parametrize('rank', [0, 1])
def test_every_rank_has_its_own_images(loader, rank, monkeypatch):
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, 2))
    same(take(DeviceImageLoader(loader(), CPU), 10), take(StreamLoader(loader()), 10))


@pytest.mark.parametrize('sampler', ['InfiniteSampler', 'DefaultSampler'])
@pytest.mark.parametrize('done', [0, 1, 4])
def test_goes_on_after_a_resume(loader, done, sampler):
    ours, theirs = DeviceImageLoader(loader(sampler), CPU), StreamLoader(loader(sampler))
    take(ours, 5)  # an earlier iterator
    same(take(ours.stream(done), 2), take(theirs.stream(done), 2))
    same(take(ours.stream(done), 2), take(theirs, done + 2)[done:])


def test_serves_only_where_it_is_wanted_and_possible(loader):
    plain = loader()
    assert type(serve_from_device(plain, CPU, 'auto')) is StreamLoader
    assert type(serve_from_device(plain, torch.device('cuda'), False)) is StreamLoader
    assert isinstance(serve_from_device(plain, CPU, True), DeviceImageLoader)
    kept = loader(collate_fn=dict(type='default_collate'))
    assert isinstance(serve_from_device(kept, CPU, True), DeviceImageLoader)


@pytest.mark.parametrize(('free', 'served'), [(7 * 3 * 64 * 4, True), (7 * 3 * 64 * 4 - 1, False)])
def test_takes_a_quarter_of_the_free_memory_unasked(loader, free, served, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device: (free, 2 * free))
    module = 'mmfncontra.engine.loaders.device_image_loader'
    monkeypatch.setattr(f'{module}.DeviceImageLoader', lambda *args: 'served')
    given = loader()
    found = serve_from_device(given, torch.device('cuda'), 'auto')
    assert found == 'served' if served else type(found) is StreamLoader


def test_true_says_what_prevents_it(dataset):
    def collate(items):
        return items

    others = DataLoader([1, 2], collate_fn=pseudo_collate)
    for given, reason in (
        (others, 'got True: they are of a list, not of FewShotDataset'),
        (DataLoader(dataset, collate_fn=collate), 'got True: collate_fn is collate'),
    ):
        with pytest.raises(ValueError, match=f"device_images must be 'auto' or False, {reason}"):
            serve_from_device(given, CPU, True)
        assert type(serve_from_device(given, torch.device('cuda'), 'auto')) is StreamLoader
    assert default_collate is not collate


@pytest.mark.parametrize('value', ['on', None, 1])
def test_refuses_other_values(value):
    with pytest.raises(
        ValueError, match=r"^train_cfg\.device_images must be 'auto', True or False, got "
    ):
        check_device_images(value)


def loop(device, **kwargs):
    """A loop of a runner that has a model on a device, and its config of a loader."""
    built = []

    def build_dataloader(cfg, **seeds):
        built.append(cfg)
        return Runner.build_dataloader({**cfg, 'pin_memory': False}, **seeds)

    parameter = SimpleNamespace(device=torch.device(device))
    runner = SimpleNamespace(
        model=SimpleNamespace(parameters=lambda: iter([parameter])),
        build_dataloader=build_dataloader,
        seed=0,
        _randomness_cfg={},
        visualizer=SimpleNamespace(),
        restore_rank_state=None,
    )
    dataset = dict(
        type='mmfncontra.ProceduralShells', num_images=2, size=8, pipeline=[FLIP, *PIPELINE]
    )
    loader = dict(batch_size=1, num_workers=0, dataset=dataset)
    loader |= dict(sampler=dict(type='InfiniteSampler'), **kwargs.pop('loader', {}))
    return ResumableIterTrainLoop(runner, loader, max_iters=2, **kwargs), built[0]


def test_a_loop_serves_from_the_device_if_asked():
    for option, kind in ((True, DeviceImageLoader), ('auto', StreamLoader), (False, StreamLoader)):
        made, cfg = loop('cpu', device_images=option)
        assert type(made.dataloader) is kind and 'pin_memory' not in cfg
        assert len(next(made.dataloader_iterator)['inputs']) == 1


def test_a_loop_pins_the_memory_of_what_has_to_be_copied():
    assert loop('cuda', device_images=False)[1]['pin_memory'] is True
    assert (
        loop('cuda', device_images=False, loader=dict(pin_memory=False))[1]['pin_memory'] is False
    )


@pytest.mark.gpu
def test_batches_are_on_the_gpu(loader):
    found = serve_from_device(loader(), torch.device('cuda', 0), 'auto')
    assert isinstance(found, DeviceImageLoader)
    batch = take(found, 1)[0]
    assert batch['inputs'].is_cuda and batch['sample_idx'].is_cuda
    expected = take(StreamLoader(loader()), 1)[0]
    assert torch.equal(batch['inputs'].cpu(), torch.stack(expected['inputs']))
