import itertools
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.engine.logs.deferred_message_hub import DeferredMessageHub

_names = itertools.count()


class Fetches(TorchDispatchMode):
    """Counts what is asked of the device, one number or many at a time."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.count = 0
        tolist = torch.Tensor.tolist

        def counted(tensor):
            self.count += 1
            return tolist(tensor)

        monkeypatch.setattr(torch.Tensor, 'tolist', counted)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.fixture
def hubs():
    """Ours and mmengine's, to be told the same."""
    return DeferredMessageHub(f'ours_{next(_names)}'), MessageHub(f'theirs_{next(_names)}')


def tell(hub, iterations, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for i in range(iterations):
        hub.update_scalar('train/lr', 0.1 / (i + 1))
        hub.update_scalar('train/data_time', np.float64(0.25))
        losses = {f'train/loss_{j}': torch.randn((), generator=generator) for j in range(3)}
        losses['train/wide'] = torch.randn(1, generator=generator, dtype=torch.float64)
        losses['train/count'] = torch.tensor(2**40 + i)
        losses['train/weighted'] = dict(value=torch.tensor(float(i)), count=3)
        hub.update_scalars(losses)
        hub.update_scalar('train/time', 0.5)
        if i % 3 == 2:
            hub.update_scalar('train/rare', torch.tensor(1.5), resumed=False)


def same(ours, theirs):
    assert list(ours) == list(theirs)
    for key, buffer in theirs.items():
        for one, other in zip(ours[key].data, buffer.data, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_holds_what_mmengines_holds(hubs):
    ours, theirs = hubs
    for iterations in (4, 1, 7):  # read in between
        for hub in hubs:
            tell(hub, iterations, seed=iterations)
        same(ours.log_scalars, theirs.log_scalars)


def test_a_checkpoint_is_mmengines(hubs):
    for hub in hubs:
        tell(hub, 5)
    ours, theirs = (hub.state_dict() for hub in hubs)
    assert 'train/rare' not in ours['log_scalars']
    assert pickle.dumps(ours) == pickle.dumps(theirs)
    resumed = DeferredMessageHub(f'resumed_{next(_names)}')
    resumed.load_state_dict(ours)
    for hub in (resumed, hubs[1]):
        tell(hub, 4)
    same(resumed.state_dict()['log_scalars'], hubs[1].state_dict()['log_scalars'])


def test_waits_for_the_device_once_for_all_and_only_when_read(hubs, monkeypatch):
    hub = hubs[0]
    with Fetches(monkeypatch) as fetches:
        for i in range(9):
            hub.update_scalars({f'train/{j}': torch.tensor(float(i + j)) for j in range(5)})
            hub.update_scalar('train/weight', torch.tensor(1.0))
            hub.update_scalar('train/time', 0.5)
            assert hub.get_scalar('train/time').current() == 0.5  # is no tensor
        assert fetches.count == 0
        assert hub.get_scalar('train/3').data[0].tolist() == [float(i + 3) for i in range(9)]
        assert fetches.count == 1
        assert hub.get_scalar('train/4').current() == 12
        assert fetches.count == 1


def test_a_buffer_that_changes_later_is_told_as_it_was(hubs):
    buffer = torch.tensor([1.0, 2.0])
    hubs[0].update_scalars(dict(a=buffer[0], b=buffer[1]))
    buffer.zero_()
    assert [hubs[0].get_scalar(key).current() for key in 'ab'] == [1.0, 2.0]


def test_old_values_leave_a_full_history(hubs):
    hub = hubs[0]
    hub.update_scalar('a', 0.0)
    hub.get_scalar('a').max_length = 3
    for value in (1.0, 2.0, 3.0):
        hub.update_scalar('a', torch.tensor(value))
    assert hub.get_scalar('a').data[0].tolist() == [1, 2, 3]
    assert hub.get_scalar('a').max_length == 3


def test_is_found_as_mmengines():
    name = f'found_{next(_names)}'
    hub = DeferredMessageHub.get_instance(name)
    assert isinstance(hub, DeferredMessageHub)
    assert MessageHub.get_instance(name) is hub is DeferredMessageHub.get_instance(name)
    assert MessageHub.get_current_instance() is hub
    del MessageHub._instance_dict[name]


def test_refuses_what_is_no_number_and_an_unknown_key(hubs):
    with pytest.raises(ValueError, match=r'train/a must be one number, got shape \(2,\)'):
        hubs[0].update_scalar('train/a', torch.zeros(2))
    with pytest.raises(KeyError, match='unheard'):
        hubs[0].get_scalar('unheard')


def test_what_nobody_reads_does_not_pile_up(hubs):
    ours, theirs = hubs
    for hub in hubs:
        tell(hub, 2100)
    assert max(map(len, ours._pending.values())) < 1000
    same(ours.log_scalars, theirs.log_scalars)


def test_the_latest_values_are_kept_however_they_are_read(hubs):
    theirs = hubs[1]
    read, unread = (DeferredMessageHub(f'short_{next(_names)}', max_values=50) for _ in range(2))
    for i in range(7):
        for hub in (theirs, read, unread):
            tell(hub, 9 + i, seed=i)
        read.get_scalar('train/loss_1')
    for hub in (read, unread):
        for key, buffer in theirs.log_scalars.items():
            for one, other in zip(hub.log_scalars[key].data, buffer.data, strict=True):
                np.testing.assert_array_equal(one, other[-50:])
    assert len(read.log_scalars['train/lr'].data[0]) == 50
    assert len(read.log_scalars['train/rare'].data[0]) == sum((9 + i) // 3 for i in range(7))


def test_a_longer_history_of_a_checkpoint_is_shortened(hubs):
    tell(hubs[1], 60)
    resumed = DeferredMessageHub(f'resumed_{next(_names)}', max_values=50)
    resumed.load_state_dict(hubs[1].state_dict())
    for hub in (resumed, hubs[1]):
        assert max(len(buffer.data[0]) for buffer in resumed.log_scalars.values()) == 50
        tell(hub, 4)
    for key, buffer in resumed.state_dict()['log_scalars'].items():
        np.testing.assert_array_equal(buffer.data[0], hubs[1].get_scalar(key).data[0][-50:])


def test_at_least_one_value_is_kept():
    with pytest.raises(ValueError, match='max_values must be a positive integer, got 0'):
        DeferredMessageHub('none', max_values=0)
