"""Variants x seeds: each is trained once, also over kills."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tqdm import tqdm

from mmfncontra.config.options import parse_options
from mmfncontra.config.prepare import prepare_config
from mmfncontra.evaluation.hashes import text_hash
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.console import note

from .run import AblationRun
from .variants import Variant, check_variants

_TRAIN = (sys.executable, str(Path(__file__).parents[3] / 'tools' / 'train.py'))
_PATIENCE = 10.0  # seconds that an interrupted training gets to end by itself


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
        What to write down of each run.

    Raises:
        FileNotFoundError: If a config or the images are missing.
        ValueError: If a config cannot be trained, measures nothing, or a folder holds another run.
    """
    settings: dict[str, dict] = {}
    records = {}
    for run in runs:
        variant = run.variant
        if variant.name not in settings:
            settings[variant.name] = _settings(variant, run.work_dir, data, size, options, amp)
        record = dict(
            **settings[variant.name],
            seed=run.seed,
            variant=variant.describe(),
            command=list(run.command),
        )
        found = run.read_record()
        if not found and run.work_dir.is_dir() and any(run.work_dir.iterdir()):
            raise ValueError(
                f'{run.work_dir} holds what is no run of an ablation: take another --work-dir'
            )
        if found and any(found.get(key) != record[key] for key in ('config_hash', 'seed')):
            raise ValueError(
                f'{run.work_dir} holds a run with another config or other options '
                f'({" ".join(found.get("command", ()))}): take another --work-dir or name, or '
                'remove that folder'
            )
        records[run] = record
    return records


def _settings(
    variant: Variant,
    work_dir: Path,
    data: str | Path | None,
    size: str | int | None,
    options: Sequence[str],
    amp: bool,
) -> dict:
    """What tells a variant from others, its config read in full."""
    try:
        cfg = prepare_config(
            variant.config,
            work_dir=work_dir,
            data=data,
            size=size,
            amp=amp,
            cfg_options=parse_options([*options, *variant.options]),
        )
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(f'variant {variant.name}: {error}') from error
    max_iters = cfg.train_cfg.get('max_iters')
    if not isinstance(max_iters, int):
        raise ValueError(f'variant {variant.name}: the config needs train_cfg.max_iters')
    if cfg.get('val_evaluator') is None:
        raise ValueError(
            f'variant {variant.name}: the config measures nothing (val_evaluator is None)'
        )
    cfg.pop('work_dir')  # where a run lies does not change it
    return dict(config_hash=text_hash(cfg.pretty_text), max_iters=max_iters)


def run_trainings(records: Mapping[AblationRun, dict], work_dir: str | Path) -> dict[str, str]:
    """Train what is not finished, one run after another; finished runs are left as they are.

    What a training prints goes to ``ablate.log`` in its folder. A run that fails does not keep the
    others from starting.

    Args:
        records: From :func:`check_runs`.
        work_dir: Folder of the ablation.

    Returns:
        Why, by name, for each run that failed.

    Raises:
        SystemExit: With code 130 after Ctrl-C.
        ValueError: If another process trains in the folder.
    """
    failures = {}
    with (
        _lock(Path(work_dir)) as lock,
        tqdm(total=len(records), unit='run', disable=None) as bar,
    ):
        for number, (run, record) in enumerate(records.items(), 1):
            label = f'run {number} of {len(records)}: {run.name}'
            bar.set_description(run.name)
            if run.state == 'finished':
                _say(f'{label}: finished already')
            elif reason := _train(run, record, lock, label):
                failures[run.name] = reason
                _say(f'{label}: FAILED: {reason}')
            bar.update()
    return failures


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def _train(run: AblationRun, record: Mapping, lock: IO[str], label: str) -> str | None:
    """Train; why it failed, if it did."""
    _say(f'{label}: {"goes on" if run.state == "started" else "starts"}')
    run.write_record(**record, finished=False)
    log = run.work_dir / 'ablate.log'
    with log.open('ab') as output:
        code = _call(run.command, output, lock)
    if code:
        return f'exit code {code}: {_last_line(log)} (all of it in {log})'
    if not run.cards():
        return f'it left no metric card in {run.work_dir / "metrics"}'
    run.write_record(**record, finished=True)
    return None


def _call(command: Sequence[str], output: IO[bytes], lock: IO[str]) -> int:
    # The training holds the lock as well: should this process be killed, the lock stays until the
    # training ends, and no second one starts in its folder.
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
        )
    except OSError as error:
        raise ValueError(f'{command[0]} cannot be started: {error}') from error
    lock.seek(0)
    lock.truncate()
    lock.write(f'{child.pid}')
    lock.flush()
    try:
        return child.wait()
    except KeyboardInterrupt:
        _end(child)  # a terminal's Ctrl-C reached it too
        note('\ninterrupted; the same command goes on')
        raise SystemExit(130) from None
    except BaseException:
        child.terminate()
        _end(child)
        raise


def _end(child: subprocess.Popen) -> None:
    for stop in (child.terminate, child.kill):
        try:
            child.wait(_PATIENCE)
            return
        except subprocess.TimeoutExpired:
            stop()
    child.wait()


@contextmanager
def _lock(work_dir: Path) -> Iterator[IO[str]]:
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ValueError(f'work_dir must be a folder, but {work_dir} is a file') from error
    with (work_dir / '.lock').open('a+') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise ValueError(
                f'a training still runs in {work_dir} (process {file.read() or "unknown"}): wait '
                'for it or end it'
            ) from error
        yield file


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding='utf-8', errors='replace').split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), 'it printed nothing')
