import threading

import pytest

from mmfncontra.utils.threaded_map import threaded_map


def test_keeps_the_order_and_takes_several_at_a_time():
    both = threading.Barrier(2, timeout=10)  # is passed by two threads together alone

    def wait(item):
        both.wait()
        return -item

    assert list(threaded_map(wait, range(6))) == [0, -1, -2, -3, -4, -5]


def test_no_more_than_so_many_are_there_at_once():
    done = []
    results = threaded_map(lambda item: done.append(item) or item, range(100), ahead=4)
    assert next(results) == 0
    assert len(done) <= 4


def test_errors_come_in_their_place():
    results = threaded_map(lambda item: 1 // item, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
