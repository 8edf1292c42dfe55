"""A study as an array job of Slurm, a training each job, submitted by submitit."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mmfncontra.launch.contract import PREEMPTED
from mmfncontra.launch.study_lock import hold_study
from mmfncontra.utils.console import note
from mmfncontra.utils.one_line import one_line

from .run import AblationRun
from .slurm_queue import FOLDER, queued_runs, write_jobs
from .training_process import TrainingProcess, end_trainings
from .trainings import lengthen

if TYPE_CHECKING:
    from submitit import AutoExecutor
    from submitit.core.utils import DelayedSubmission

_ROOT = Path(__file__).parents[3]
_SHARED = {'name', 'timeout_min', 'mem_gb', 'cpus_per_task', 'gpus_per_node'}
_ALONE = {'nodes', 'ntasks_per_node', 'tasks_per_node'}
_MOST_TIMEOUTS = 1000  # how often a job goes on after its time is over; each time it gets further
_POLL = 0.1


class ArrayTask:
    """A job of the array: trains a run, as a command, and writes its record.

    When Slurm says that the time is over or the node is needed, the training saves, and the job
    goes back into the queue to go on.

    Args:
        run: What is trained.
        record: What to write down of it.
        folder: Where the paths of its command start.
    """

    def __init__(self, run: AblationRun, record: Mapping, folder: Path) -> None:
        self.run, self.record, self.folder = run, record, folder
        self._training: TrainingProcess | None = None

    def __call__(self) -> None:
        """Train.

        Raises:
            RuntimeError: If the training fails, so that Slurm shows the job as failed.
        """
        os.chdir(self.folder)
        if self.run.state == 'finished':
            return
        # Of the signals of a job, this one is for submitit, which calls `checkpoint`.
        self._training = TrainingProcess(self.run, self.record, ignored=[signal.SIGUSR2])
        while self._training.exit_code is None:
            time.sleep(_POLL)
        if self._training.exit_code == PREEMPTED and _requeue():
            return
        reason = self._training.settle()
        if reason:
            raise RuntimeError(reason)

    def checkpoint(self) -> 'DelayedSubmission':
        """End the training, which saves.

        Returns:
            What goes on with it.
        """
        from submitit.helpers import DelayedSubmission

        # Slurm gives 90 seconds from its signal to the end, more than this takes.
        end_trainings([self._training] if self._training else [])
        return DelayedSubmission(ArrayTask(self.run, self.record, self.folder))


def _requeue() -> bool:
    """Put a job whose training was told to stop back into the queue; whether Slurm takes it."""
    command = ['scontrol', 'requeue', os.environ['SLURM_JOB_ID']]
    return subprocess.run(command, check=False).returncode == 0


def submit_trainings(
    records: Mapping[AblationRun, dict],
    work_dir: str | Path,
    options: Sequence[str],
    jobs: int | None = None,
) -> dict[AblationRun, str]:
    """Submit what is neither finished nor in the queue as one array job.

    Args:
        records: From :func:`check_runs`.
        work_dir: Folder of the ablation, on a disk that the nodes share.
        options: ``key=value`` words for submitit, such as ``timeout_min=600`` and
            ``partition=gpu``; values are YAML.
        jobs: Trainings at once; None leaves that to Slurm.

    Returns:
        Unfinished runs with their job and its state, those of earlier submissions included.

    Raises:
        ImportError: If submitit is not installed.
        ValueError: If an option is wrong, there is no Slurm here, it refuses the jobs, or another
            process trains in the folder.
    """
    executor = _make_executor(Path(work_dir), options, jobs)
    with hold_study(work_dir):
        lengthen(records)
        queued = queued_runs(records, work_dir)
        for run, text in queued.items():
            note(f'{run.name}: in the queue already: {text}')
        todo = [run for run in records if run.state != 'finished' and run not in queued]
        if not todo:
            return queued
        tasks = [ArrayTask(run, records[run], Path.cwd()) for run in todo]
        try:
            ids = [job.job_id for job in executor.submit_array(tasks)]
        except Exception as error:
            raise ValueError(f'Slurm refuses the jobs: {error}') from error
        submitted = dict(zip(todo, ids, strict=True))
        write_jobs(work_dir, submitted)
    return queued | {run: f'job {job}, submitted' for run, job in submitted.items()}


def _make_executor(work_dir: Path, words: Sequence[str], jobs: int | None) -> 'AutoExecutor':
    options = _read_options(words)
    try:
        import submitit
    except ImportError as error:
        raise ImportError('--slurm needs submitit: pip install submitit') from error
    parallel = {} if jobs is None else dict(array_parallelism=jobs)
    # The nodes find this package where this process does.
    path = f'export PYTHONPATH={shlex.quote(str(_ROOT))}"${{PYTHONPATH:+:$PYTHONPATH}}"'
    options = {'name': f'ablate-{work_dir.absolute().name}', **parallel, **options}
    options['setup'] = [path, *options.get('setup', ())]
    options['stderr_to_stdout'] = True
    named = {key if key in _SHARED else f'slurm_{key}': value for key, value in options.items()}
    try:
        executor = submitit.AutoExecutor(
            work_dir / FOLDER, cluster='slurm', slurm_max_num_timeout=_MOST_TIMEOUTS
        )
    except RuntimeError as error:
        raise ValueError('--slurm needs Slurm: there is no srun here') from error
    try:
        executor.update_parameters(**named)
    except (AssertionError, NameError, TypeError, ValueError) as error:
        raise ValueError(f'--slurm: {one_line(error)}') from error
    return executor


def _read_options(words: Sequence[str]) -> dict[str, Any]:
    options = {}
    for word in words:
        key, equals, value = word.partition('=')
        if not equals or not key:
            raise ValueError(f'--slurm takes key=value, such as partition=gpu, got {word!r}')
        try:
            options[key.removeprefix('slurm_')] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ValueError(f'--slurm {word} is no YAML') from error
    alone = sorted(_ALONE & options.keys())
    if alone:
        raise ValueError(f'--slurm takes no {" and ".join(alone)}: a training is one process')
    if 'timeout_min' not in options:
        raise ValueError('--slurm needs the time of a job in minutes, such as timeout_min=600')
    if not isinstance(options.get('setup', []), list):
        raise ValueError(
            "--slurm setup is a list of shell lines, such as 'setup=[module load cuda]'"
        )
    return options
