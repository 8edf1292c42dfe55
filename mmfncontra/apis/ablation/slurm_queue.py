"""Which runs of a study Slurm has in its queue."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmfncontra.utils.files import write_json

from .run import AblationRun

FOLDER = 'slurm'  # in the folder of the study, which has none of a run directly in it


def write_jobs(work_dir: str | Path, jobs: Mapping[AblationRun, str]) -> None:
    """Write down which job trains which run, beside those of earlier submissions.

    Args:
        work_dir: Folder of the study.
        jobs: Ids of jobs, those of an array as ``'12_3'``.
    """
    new = {_key(run, work_dir): job for run, job in jobs.items()}
    write_json(_file(work_dir), {**_read_jobs(work_dir), **new})


def queued_runs(runs: Iterable[AblationRun], work_dir: str | Path) -> dict[AblationRun, str]:
    """Unfinished runs that wait in Slurm's queue, or train there.

    Args:
        runs: Those of the study.
        work_dir: Its folder.

    Returns:
        Job and its state by run, such as ``'job 12_3, PENDING'``. Slurm is asked only if a run that
        is not finished was ever submitted.

    Raises:
        ValueError: If Slurm cannot be asked.
    """
    known = _read_jobs(work_dir)
    jobs = {run: known[_key(run, work_dir)] for run in runs if _key(run, work_dir) in known}
    jobs = {run: job for run, job in jobs.items() if run.state != 'finished'}
    states = _ask_queue({job.partition('_')[0] for job in jobs.values()}, work_dir)
    return {run: f'job {job}, {states[job]}' for run, job in jobs.items() if job in states}


def refuse_queued(runs: Iterable[AblationRun], work_dir: str | Path) -> None:
    """Keep a run from being trained in two places.

    Args:
        runs: Those to be trained here.
        work_dir: Folder of the study.

    Raises:
        ValueError: If Slurm has one of them in its queue, or cannot be asked.
    """
    queued = queued_runs(runs, work_dir)
    if queued:
        jobs = sorted({text.partition(',')[0].split('_')[0] for text in queued.values()})
        raise ValueError(
            f'Slurm has {len(queued)} runs of {work_dir} in its queue ({", ".join(jobs)}): wait '
            f'for them, or end them with scancel {" ".join(job.split()[1] for job in jobs)}'
        )


def _file(work_dir: str | Path) -> Path:
    return Path(work_dir) / FOLDER / 'jobs.json'


def _key(run: AblationRun, work_dir: str | Path) -> str:
    return run.work_dir.relative_to(work_dir).as_posix()


def _read_jobs(work_dir: str | Path) -> dict[str, str]:
    path = _file(work_dir)
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(
            f'{path} is broken, remove it if no job of this study is left in the queue: {error}'
        ) from error


def _ask_queue(arrays: set[str], work_dir: str | Path) -> dict[str, str]:
    """States by job of what is left of some arrays."""
    if not arrays:
        return {}
    # One line for each job of an array, waiting or not. Without accounting sacct knows nothing.
    command = ['squeue', '--noheader', '--array', '--format=%i %T', f'--jobs={",".join(arrays)}']
    asked = f'Slurm was given runs of {work_dir} as job {", ".join(sorted(arrays))}'
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ValueError(
            f'{asked}, and there is no squeue here to ask about it: go on where Slurm is, or, if '
            f'that job is over, remove {_file(work_dir)}'
        ) from error
    # A job that was over minutes ago is unknown.
    if done.returncode and 'Invalid job id' not in done.stderr:
        raise ValueError(f'{asked}, and squeue does not tell of it: {done.stderr.strip()}')
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.strip())
