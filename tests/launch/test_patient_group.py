import time
from datetime import timedelta

from mmengine.dist import broadcast_object_list, get_rank
from torch import distributed
from two_ranks import on_two_ranks

from mmfncontra.launch.patient_group import patient_group

PATIENCE = 1.0  # seconds, of the default group


def slow_rank_0(patient):
    """What rank 1 hears from rank 0, which takes longer than the default group waits."""
    default = distributed.distributed_c10d._get_default_group()
    distributed.distributed_c10d._set_pg_timeout(timedelta(seconds=PATIENCE), default)
    group = patient_group() if patient else None
    assert patient_group() is group or not patient
    if get_rank() == 0:
        time.sleep(2 * PATIENCE)
    values = [get_rank() or 'said by 0']
    try:
        broadcast_object_list(values, group=group)
    except RuntimeError as error:
        return type(error).__name__
    return values[0]


def test_ranks_wait_longer_than_the_default_group_allows(tmp_path):
    assert on_two_ranks(slow_rank_0, True, folder=tmp_path) == ['said by 0'] * 2


def test_the_default_group_would_not(tmp_path):
    assert on_two_ranks(slow_rank_0, False, folder=tmp_path)[1] == 'RuntimeError'


def test_one_process_needs_none():
    assert patient_group() is None
