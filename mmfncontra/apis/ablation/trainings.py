"""Variants x seeds: each is trained once, one or several at a time, also over kills."""

import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import IO, NoReturn

from mmengine.config import Config

from mmfncontra.config.options import parse_options
from mmfncontra.config.prepare import prepare_config
from mmfncontra.evaluation.hashes import text_hash
from mmfncontra.launch.contract import INTERRUPTED, PREEMPTED
from mmfncontra.launch.stop_signals import StopSignals
from mmfncontra.launch.study_lock import hold_study, name_holders
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.console import note, shell_line
from mmfncontra.utils.shipped import checkout

from .progress import StudyProgress
from .run import AblationRun
from .shares import machine_shares
from .slurm_queue import refuse_queued
from .training_process import TrainingProcess, end_trainings
from .variants import Variant, check_variants

_POLL = 0.05  # seconds between two looks at the trainings


def train_command() -> tuple[str, ...]:
    """What starts a training in a process of its own: the checkout's program, or the package's."""
    root = checkout()
    program = ('-m', 'mmfncontra', 'train') if root is None else (str(root / 'tools/train.py'),)
    return sys.executable, *program


_TRAIN = train_command()


def plan_runs(
    variants: Sequence[Variant],
    work_dir: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    data: str | Path | None = None,
    size: str | int | None = None,
    options: Sequence[str] = (),
    amp: bool = False,
    baseline: str | None = None,
    train_command: Sequence[str] = _TRAIN,
) -> list[AblationRun]:
    """The trainings of an ablation, seed by seed, so that early ones compare all variants.

    Args:
        variants: What is compared.
        work_dir: Folder of the ablation; a run is in ``NAME/seed_S`` of it.
        seeds: Seeds of each variant.
        data: Folder or zip of training images, of all runs.
        size: Side of the images in pixels, of all runs; None keeps each config's.
        options: ``key=value`` words for all runs; a variant's own come after them.
        amp: Train in bfloat16.
        baseline: Variant that the others will be compared with, to be checked.
        train_command: Program that takes the arguments of ``tools/train.py``.

    Returns:
        Runs, none of which is started.

    Raises:
        ValueError: If a seed is none, seeds or names of variants come twice, the baseline is
            unknown, or ``work_dir`` is a file.
    """
    check_variants(variants, baseline)
    folder = next((p for p in (Path(work_dir), *Path(work_dir).parents) if p.exists()), None)
    if folder is not None and not folder.is_dir():
        raise ValueError(f'work_dir must be a folder, but {folder} is a file')
    for seed in seeds:
        check_integers(0, seeds=seed)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f'seeds must be one or more different numbers, got {list(seeds)}')
    runs = []
    for seed in seeds:
        for variant in variants:
            folder = Path(work_dir) / variant.name / f'seed_{seed}'
            words = ['--work-dir', str(folder), '--seed', str(seed), '--resume']
            words += [] if data is None else ['--data', str(data)]
            words += [] if size is None else ['--size', str(size)]
            words += ['--amp'] if amp else []
            changes = [*options, *variant.options]
            words += ['--cfg-options', *changes] if changes else []
            command = (*train_command, variant.config, *words)
            runs.append(AblationRun(variant, seed, folder, command))
    return runs


def check_runs(
    runs: Sequence[AblationRun],
    *,
    data: str | Path | None = None,
    size: str | int | None = None,
    options: Sequence[str] = (),
    amp: bool = False,
) -> dict[AblationRun, dict]:
    """Check configs, images and folders of all runs before the first one starts.

    Args:
        runs: From :func:`plan_runs`.
        data: As there.
        size: As there.
        options: As there.
        amp: As there.

    Returns:
        What to write down of each run. One that was to be shorter goes on, if no more differs.

    Raises:
        FileNotFoundError: If a config or the images are missing.
        ValueError: If a config cannot be trained, measures nothing, or a folder holds another run.
    """
    settings: dict[str, _Settings] = {}
    records = {}
    for run in runs:
        variant = run.variant
        if variant.name not in settings:
            cfg = _read_config(variant, run.work_dir, data, size, options, amp)
            settings[variant.name] = _Settings(cfg)
        record = dict(
            config_hash=settings[variant.name].hash(),
            max_iters=settings[variant.name].max_iters,
            seed=run.seed,
            variant=variant.describe(),
            command=list(run.command),
        )
        found = run.read_record()
        if not found and run.work_dir.is_dir() and any(run.work_dir.iterdir()):
            raise ValueError(
                f'{run.work_dir} holds what is no run of an ablation: take another --work-dir'
            )
        if found and not (
            found.get('seed') == run.seed
            and found.get('config_hash') == settings[variant.name].hash(found.get('max_iters'))
        ):
            raise ValueError(
                f'{run.work_dir} holds a run with another config or other options '
                f'({shell_line(*found.get("command", ()))}): take another --work-dir or name, or '
                'remove that folder'
            )
        records[run] = record
    return records


class _Settings:
    """What tells a variant from others: its config, read in full."""

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.max_iters = cfg, cfg.train_cfg.max_iters
        self._hashes: dict[int, str] = {}

    def hash(self, max_iters: int | None = None) -> str:
        """Of the config, as it would be with fewer iterations."""
        length = min(max_iters or self.max_iters, self.max_iters)
        if length not in self._hashes:
            cfg = deepcopy(self.cfg)
            cfg.train_cfg.max_iters = length
            self._hashes[length] = text_hash(cfg.pretty_text)
        return self._hashes[length]


def _read_config(
    variant: Variant,
    work_dir: Path,
    data: str | Path | None,
    size: str | int | None,
    options: Sequence[str],
    amp: bool,
) -> Config:
    try:
        cfg = prepare_config(
            variant.config,
            # Not where the run lies: its checkpoints are looked at when it goes on from them.
            work_dir=work_dir / 'unused',
            data=data,
            size=size,
            amp=amp,
            cfg_options=parse_options([*options, *variant.options]),
        )
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(f'variant {variant.name}: {error}') from error
    if not isinstance(cfg.train_cfg.get('max_iters'), int):
        raise ValueError(f'variant {variant.name}: the config needs train_cfg.max_iters')
    if cfg.get('val_evaluator') is None:
        raise ValueError(
            f'variant {variant.name}: the config measures nothing (val_evaluator is None)'
        )
    cfg.pop('work_dir')  # where a run lies does not change it
    cfg.pop('runner_type', None)  # nor does who else may run its config
    return cfg


def lengthen(records: Mapping[AblationRun, dict]) -> None:
    """Write down of each run that was to be shorter that it is not finished.

    Args:
        records: From :func:`check_runs`.
    """
    for run, record in records.items():
        if run.is_shorter_than(record['max_iters']):
            run.write_record(**record, finished=False)


def run_trainings(
    records: Mapping[AblationRun, dict], work_dir: str | Path, jobs: int = 1
) -> dict[str, str]:
    """Train what is not finished, in the order of the runs; finished runs are left as they are.

    What a training prints goes to ``ablate.log`` in its folder. A run that fails does not keep the
    others from starting.

    Args:
        records: From :func:`check_runs`.
        work_dir: Folder of the ablation.
        jobs: Trainings at once, each with its share of the machine: see :func:`machine_shares`.

    Returns:
        Why, by name, for each run that failed.

    Raises:
        SystemExit: With code 130 after Ctrl-C, 75 after SIGTERM, SIGUSR1 and SIGHUP.
        ValueError: If another process trains in the folder, or Slurm has runs of it in its queue.
    """
    shares = machine_shares(jobs)
    failures: dict[str, str] = {}
    with (
        hold_study(work_dir) as lock,
        StudyProgress(_lengths(records)) as view,
        StopSignals() as told,
    ):
        refuse_queued(records, work_dir)
        lengthen(records)
        trainings = _Trainings(shares, lock, view)
        todo = _unfinished(records, view)
        try:
            while trainings.start_from(todo):
                time.sleep(_POLL)
                # First: a training that a terminal's Ctrl-C has ended did not fail.
                if number := told.ask():
                    _stop(trainings.running.values(), number)
                failures |= trainings.collect()
                view.update()
        except BaseException:
            end_trainings(trainings.running.values())
            raise
    return {run.name: failures[run.name] for run in records if run.name in failures}


class _Trainings:
    """The trainings under way, each in a place that has its share of the machine."""

    def __init__(self, shares: list[dict[str, str]], lock: IO[str], view: StudyProgress) -> None:
        self.running: dict[int, TrainingProcess] = {}
        self._shares, self._lock, self._view = shares, lock, view
        self._labels: dict[int, str] = {}

    def start_from(self, todo: Iterator[tuple[str, AblationRun, dict]]) -> bool:
        """Fill the free places; whether anything runs."""
        for place in sorted(set(range(len(self._shares))) - self.running.keys()):
            label, run, record = next(todo, (None, None, None))
            if run is None:
                break
            self._view.say(f'{label}: {"starts" if run.state == "new" else "goes on"}')
            training = TrainingProcess(run, record, self._shares[place], [self._lock.fileno()])
            self.running[place], self._labels[place] = training, label
            self._view.start(place, training, record['max_iters'])
            self._name_holders()
        return bool(self.running)

    def collect(self) -> dict[str, str]:
        """Free the places of trainings that have ended; why they failed, by name."""
        failures = {}
        for place, training in list(self.running.items()):
            if training.exit_code is None:
                continue
            reason = training.settle()
            del self.running[place]
            self._view.end(place)
            self._view.say(
                f'{self._labels[place]}: {f"FAILED: {reason}" if reason else "finished"}'
            )
            failures |= {training.run.name: reason} if reason else {}
            self._name_holders()
        return failures

    def _name_holders(self) -> None:
        name_holders(self._lock, [training.pid for training in self.running.values()])


def _lengths(records: Mapping[AblationRun, dict]) -> list[int]:
    return [record['max_iters'] for record in records.values()]


def _unfinished(
    records: Mapping[AblationRun, dict], view: StudyProgress
) -> Iterator[tuple[str, AblationRun, dict]]:
    """What is left to train, with the place of each in the study."""
    for number, (run, record) in enumerate(records.items(), 1):
        label = f'run {number} of {len(records)}: {run.name}'
        if run.state == 'finished':
            view.say(f'{label}: finished already')
            view.pass_over(record['max_iters'])
        else:
            yield label, run, record


def _stop(running: Collection[TrainingProcess], number: int) -> NoReturn:
    """Let the trainings save, and leave; a terminal's Ctrl-C has told them already."""
    interrupted = number == signal.SIGINT
    end_trainings(running, told=interrupted)
    if interrupted:
        note('\ninterrupted; the same command goes on')
    raise SystemExit(INTERRUPTED if interrupted else PREEMPTED)
