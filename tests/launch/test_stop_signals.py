import os
import signal

import pytest
import torch
from torch.multiprocessing.spawn import spawn

from mmfncontra.launch.stop_signals import Stopped, StopSignals


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGUSR1', 'SIGINT'])
def test_a_signal_is_noted(name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert signals.ask() == 0
        os.kill(os.getpid(), number)
        assert signals.ask() == number
    assert signal.getsignal(number) is before


def test_a_second_interruption_does_not_wait():
    with pytest.raises(KeyboardInterrupt), StopSignals():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_forked_workers_do_as_they_are_told():
    with StopSignals():
        child = os.fork()
        if not child:
            os.kill(os.getpid(), signal.SIGINT)  # of the whole group; the parent ends its workers
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM


@pytest.mark.parametrize(('name', 'code'), [('SIGINT', 130), ('SIGTERM', 75), ('SIGUSR1', 75)])
def test_exit_codes(name, code):
    stopped = Stopped(getattr(signal, name), 3)
    assert stopped.exit_code == code and str(stopped) == f'{name} at iteration 3'


def _rank(rank, folder):
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2
    )
    stopped_at = None
    with StopSignals() as signals:
        for iteration in range(6):
            if iteration == 2 and rank == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            if signals.ask():
                stopped_at = iteration
                break
    (folder / str(rank)).write_text(str(stopped_at))
    torch.distributed.destroy_process_group()


def test_all_ranks_stop_after_the_same_iteration(tmp_path):
    spawn(_rank, (tmp_path,), nprocs=2)
    assert [(tmp_path / str(rank)).read_text() for rank in range(2)] == ['3', '3']
