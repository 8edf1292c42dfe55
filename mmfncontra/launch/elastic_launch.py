"""Process supervision: torchrun for ranks that save when they are told to stop.

    python -m mmfncontra.launch.elastic_launch [options of torchrun] SCRIPT [arguments]

Works around torch 2.11, whose agent ends the ranks 30 s after a signal whatever they are writing,
takes a rank that saved and left for a failure, to be started again, and reports every exit code at
length.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from subprocess import Popen
from types import FrameType

import torch
from torch.distributed import DistNetworkError, run
from torch.distributed.elastic.agent.server import RunResult, WorkerGroup
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import api

from mmfncontra.utils.console import escape_unprintable, say

from .contract import (
    INTERRUPTED,
    LAUNCHED_VARIABLE,
    LAUNCHER_VARIABLE,
    PREEMPTED,
    RESTARTED_VARIABLE,
    STOP_SIGNALS,
    USER_ERROR,
    heard_signals,
)
from .lost_terminal import leave_lost_terminal

_SAVED = {PREEMPTED, INTERRUPTED}
# Seconds that ranks have from a signal, or from the first one that left, to the last one.
_GRACE_VARIABLE = 'GRACE'
_GRACE = 600.0
_GRACE_OF_USER_ERROR = 5.0


class TrainingAgent(LocalElasticAgent):
    """Torch's elastic agent, which lets ranks save.

    SIGINT, SIGTERM, SIGUSR1 and SIGHUP are passed on to every rank, once, and the agent waits for
    what the ranks do. Ranks that leave with :data:`~.contract.PREEMPTED` or
    :data:`~.contract.INTERRUPTED` are waited for, and neither these nor a
    :data:`~.contract.USER_ERROR` are started again; nor is anything after a signal.

    Args:
        *args: Of torch's ``LocalElasticAgent``.
        **kwargs: The same.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._grace = float(os.environ.get(_GRACE_VARIABLE, _GRACE))
        self._deadline = float('inf')
        self._received: list[int] = []
        self._starting = False
        self._is_over = False
        for number in heard_signals():
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_over:
            return
        leave_lost_terminal(number)
        self._received.append(number)
        if self._starting:  # told when all of them are there
            return
        if all(process.poll() is not None for process in self._processes()):
            raise SystemExit(INTERRUPTED if number == signal.SIGINT else PREEMPTED)
        self._tell(number)

    def _tell(self, number: int) -> None:
        self._deadline = time.monotonic() + self._grace
        for process in self._processes():
            # The rank alone, where torch would end its data-loading workers under it.
            process.send_signal(number)

    def _processes(self) -> list[Popen]:
        context = self._pcontext
        return [] if context is None else [h.proc for h in context.subprocess_handlers.values()]

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, int]:
        self._starting = True
        try:
            return super()._start_workers(worker_group)
        finally:
            self._starting = False
            for number in self._received:
                self._tell(number)

    def _restart_workers(self, worker_group: WorkerGroup) -> None:
        # Also where torch does not count it: when a machine joins or leaves.
        os.environ[RESTARTED_VARIABLE] = '1'
        super()._restart_workers(worker_group)

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        self._wait_for_the_last()
        result = super()._monitor_workers(worker_group)
        codes = {failure.exitcode for failure in result.failures.values()}
        if not codes:
            return result
        if self._received or codes & {*_SAVED, USER_ERROR}:
            self._remaining_restarts = 0
        if self._remaining_restarts:
            _say(f'{describe(result.failures)}; restart {self._restarts + 1} of all ranks')
        elif codes & _SAVED:
            self._is_over = True
            # Or the node that keeps the others' store would be gone before they have saved.
            self._exit_barrier_timeout = min(self._exit_barrier_timeout, 30)
            self._exit_barrier()
        return result

    @property
    def _restarts(self) -> int:
        return self._worker_group.spec.max_restarts - self._remaining_restarts

    def _wait_for_the_last(self) -> None:
        """Let ranks that are leaving leave: torch ends all when the first one is gone."""
        processes = self._processes()
        left = {process.poll() for process in processes} - {None}
        now = time.monotonic()
        if USER_ERROR in left:  # most are found by all ranks
            _wait(processes, now + _GRACE_OF_USER_ERROR)
        elif left & _SAVED or now > self._deadline:
            if left & _SAVED and not self._received:
                # They know, unless one was told before there was a training to agree in.
                self._received.append(signal.SIGTERM)
                self._tell(signal.SIGTERM)
            _wait(processes, min(self._deadline, now + self._grace))
            for process in processes:
                process.kill()


def _wait(processes: Sequence[Popen], deadline: float) -> None:
    while time.monotonic() < deadline and any(process.poll() is None for process in processes):
        time.sleep(0.05)


def describe(failures: Mapping[int, ProcessFailure]) -> str:
    """One line on ranks that failed.

    Args:
        failures: By rank.

    Returns:
        Such as ``'rank 1 was killed by SIGKILL'``. Ranks that were ended because of another one are
        left out.
    """
    causes = {r: f for r, f in failures.items() if f.exitcode != -signal.SIGTERM} or failures
    said = []
    for rank, failure in sorted(causes.items()):
        code = failure.exitcode
        how = f'was killed by {failure.signal_name()}' if code < 0 else f'failed (exit code {code})'
        said.append(f'rank {rank} {how}')
    return ', '.join(said)


def exit_code(codes: Iterable[int]) -> int:
    """What a launcher returns for the exit codes of its ranks.

    Args:
        codes: Of all ranks that did not end with 0; below 0 those of a signal, as python has them.

    Returns:
        That of an interruption or a preemption, if the ranks saved: one of them says so, for they
        save together, and no other one failed; or if a signal ended all of them, as it does before
        they listen for it, with nothing to save. Else that of a user error, if there is one; else
        1, as torchrun.
    """
    codes = set(codes)
    failed = codes - _SAVED - {-number for number in STOP_SIGNALS}
    if codes and not failed:
        saved = codes & _SAVED
        return max(saved) if saved else INTERRUPTED if -signal.SIGINT in codes else PREEMPTED
    return USER_ERROR if USER_ERROR in codes else 1


def _say(message: str) -> None:
    say(message, sys.stderr)


def _report(failures: Mapping[int, ProcessFailure]) -> int:
    code = exit_code(failure.exitcode for failure in failures.values())
    if code == USER_ERROR:
        # What several ranks found is said once.
        messages = {
            failure.error_file_data['message']: None
            for failure in failures.values()
            if failure.exitcode == USER_ERROR and os.path.isfile(failure.error_file)
        }
        for message in messages:
            _say(f'error: {message}')
    elif code not in _SAVED:
        _say(f'error: {describe(failures)}: see its messages above')
    return code


def _check(args: object) -> None:
    """Check what torch would answer with a traceback, maybe of every rank."""
    num = args.nproc_per_node
    if not (num.isdecimal() and int(num)):
        raise ValueError(f'GPUS must be a positive whole number, got {num}')
    available = torch.cuda.device_count()
    if available and int(num) > available:
        raise ValueError(f'GPUS must be at most {available}, the GPUs of this machine, got {num}')
    grace = os.environ.get(_GRACE_VARIABLE, '0')
    if not grace.replace('.', '', 1).isdecimal():
        raise ValueError(f'{_GRACE_VARIABLE} must be a number of seconds, got {grace}')


def launch(argv: Sequence[str] | None = None) -> int:
    """Start ranks as torchrun does, and wait for them.

    Args:
        argv: Command line of torchrun.

    Returns:
        0, or :func:`exit_code` of the ranks.
    """
    escape_unprintable()
    args = run.parse_args(argv)
    try:
        _check(args)
    except ValueError as error:
        _say(f'error: {error}')
        return USER_ERROR
    # Torch takes the signals it is told of for itself whenever it starts ranks.
    args.signals_to_handle = 'SIGQUIT'
    if 'LOGLEVEL' not in os.environ:
        logging.getLogger('torch.distributed.elastic').setLevel(logging.CRITICAL)
        for name in ('multiprocessing.api', 'agent.server.api'):
            logging.getLogger(f'torch.distributed.elastic.{name}').setLevel(logging.CRITICAL)
    os.environ[LAUNCHER_VARIABLE] = str(os.getpid())
    os.environ[LAUNCHED_VARIABLE] = str(time.time_ns())
    api.LocalElasticAgent = TrainingAgent
    config, command, arguments = run.config_from_args(args)
    try:
        api.elastic_launch(config, command)(*arguments)
    except ChildFailedError as error:
        return _report(error.failures)
    except DistNetworkError as error:
        if 'EADDRINUSE' not in str(error):
            raise
        where = config.rdzv_endpoint.rpartition(':')[2]
        _say(f'error: port {where} is taken: set PORT to a free one')
        return USER_ERROR
    return 0


if __name__ == '__main__':
    sys.exit(launch())
