#!/usr/bin/env python
"""Kill a training again and again, and compare what it becomes with an undisturbed one.

    python tests/chaos.py --kills 50

A small training of several processes runs once undisturbed. A second one is killed at random
moments of its life, from the first import to the last iteration, inside of a checkpoint too: one
rank, the launcher, or everything at once, by SIGKILL or SIGTERM. After each kill ``--resume auto``
takes it up again. The last line says whether both have become the same, to the bit; the exit code
is 0 then and 1 otherwise. Linux only: it finds the processes in /proc.
"""

import argparse
import contextlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent / 'toys'))

from chaos_run import Run, processes, send

START_SHARE = 0.2  # of the kills fall before the first iteration
SHOWN = 60  # differences at most


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=50, metavar='N', help='default 50')
    parser.add_argument('--seed', type=int, default=0, help='of the moments and the victims')
    parser.add_argument('--ranks', type=int, default=2)
    parser.add_argument(
        '--iterations', type=int, help='of the training; default 10 a kill, at least 40'
    )
    parser.add_argument('--interval', type=int, default=5, help='iterations between checkpoints')
    parser.add_argument('--pace', type=float, default=0.05, help='seconds added to an iteration')
    parser.add_argument('--keep', metavar='FOLDER', help='where the trainings are left')
    args = parser.parse_args(argv)
    if args.kills < 0 or args.ranks < 1 or args.interval < 1:
        parser.error('--kills must be 0 or more, --ranks and --interval 1 or more')
    if args.iterations is None:
        args.iterations = max(40, 10 * args.kills)
    return args


@dataclass
class Tally:
    """What the kills were, and what went wrong."""

    signals: Counter = field(default_factory=Counter)
    victims: Counter = field(default_factory=Counter)
    before_training: int = 0
    most_lost: int = 0
    slowest_end: float = 0.0
    complaints: list[str] = field(default_factory=list)


def disturb(run: Run, args: argparse.Namespace, start_up: float, training: float) -> Tally:
    """Train with kills.

    Args:
        run: A training that has not begun.
        args: Of the command line.
        start_up: Seconds of the undisturbed training before its first iteration.
        training: Seconds of its iterations.
    """
    dice = random.Random(args.seed)
    tally = Tally()
    done = 0  # the last iteration that is known to have ended
    for number in range(1, args.kills + 1):
        if run.saved() >= args.iterations:
            tally.complaints.append(f'done after {number - 1} kills: set more --iterations')
            return tally
        run.start()
        kills_left = args.kills - number + 1
        share = training * (args.iterations - run.saved()) / args.iterations
        # The mean leaves as much to each of the kills that follow; the most, the run unfinished.
        longest = min(2 * share / (kills_left * (1 - START_SHARE) + 1), 0.8 * share)
        if dice.random() < START_SHARE:
            moment, from_first = dice.uniform(0, start_up), False
        else:
            moment, from_first = dice.uniform(0, longest), True
        name = dice.choice(['SIGKILL', 'SIGTERM'])
        kind = dice.choice(['rank', 'rank', 'launcher', 'all'])
        if from_first and not run.wait_for_training():
            tally.complaints.append(f'kill {number}: training did not begin\n{run.tail()}')
            run.wait_for_end()
            return tally
        end = time.monotonic() + moment
        # Not in the end, which is no life to be taken up again.
        while time.monotonic() < end and (run.iteration() or 0) < args.iterations - 3:
            time.sleep(0.01)
        if run.launcher.poll() is not None:
            tally.complaints.append(f'kill {number}: ended by itself before\n{run.tail()}')
            run.wait_for_end()
            return tally
        before = run.saved()
        send(run.victims(kind, dice), getattr(signal, name))
        killed = time.monotonic()
        orphans = run.wait_for_end()
        tally.slowest_end = max(tally.slowest_end, time.monotonic() - killed)
        if orphans:
            tally.complaints.append(f'kill {number} ({name}, {kind}): {len(orphans)} lived on')
        # Before it has started the ranks, the launcher ends as any process.
        told = {75} if run.beginnings() else {75, -signal.SIGTERM}
        if name == 'SIGTERM' and run.launcher.returncode not in told:
            tally.complaints.append(
                f'kill {number} ({name}, {kind}): the exit code is {run.launcher.returncode}, not '
                f'75\n{run.tail()}'
            )
        tally.signals[name] += 1
        tally.victims[kind] += 1
        began, reached = run.beginnings(), run.iteration()
        tally.before_training += reached is None
        _check_beginning(tally, run, began, done, args)
        done = max(done if reached is None else reached, began[0] if began else 0)
        run.newest = run.saved()
        if run.newest < before:
            tally.complaints.append(f'kill {number}: checkpoint {before} is gone')
        print(
            f'kill {number}/{args.kills}: {name} to {kind}, began at '
            f'{began[0] if began else "-"}, at iteration {done}, saved {run.newest}',
            flush=True,
        )
    run.start()
    if run.wait_for_end(trains=True) or run.launcher.returncode:
        tally.complaints.append(f'the last start did not finish\n{run.tail()}')
    _check_beginning(tally, run, run.beginnings(), done, args)
    return tally


def _check_beginning(
    tally: Tally, run: Run, began: list[int], done: int, args: argparse.Namespace
) -> None:
    """Check where a start took up the training that had come to iteration ``done``."""
    if not began:
        return
    if len(set(began)) > 1:
        tally.complaints.append(f'start {run.starts}: ranks began at {began}')
    if min(began) < run.newest:
        tally.complaints.append(f'start {run.starts}: began at {began}, saved was {run.newest}')
    lost = done - min(began)
    tally.most_lost = max(tally.most_lost, lost)
    if lost > args.interval:
        tally.complaints.append(f'start {run.starts}: {lost} iterations lost')


# What cannot be equal: clocks, places, and which files there are (SIGTERM makes one more).
OF_THE_MOMENT = {
    *('time', 'train/time', 'train/data_time', 'val/time', 'val/data_time', 'eta'),
    *('cfg', 'experiment_name', 'last_ckpt', 'best_ckpt', 'keep_ckpt_ids'),
}


def lasting(value: object, without: set[str]) -> object:
    """A nested checkpoint without some keys."""
    if isinstance(value, dict):
        return {key: lasting(v, without) for key, v in value.items() if key not in without}
    if isinstance(value, list | tuple):
        return [lasting(inner, without) for inner in value]
    return value


def count_tensors(value: object) -> int:
    """Tensors and arrays of a nested checkpoint."""
    if isinstance(value, dict | list):
        return sum(map(count_tensors, value.values() if isinstance(value, dict) else value))
    return type(value).__name__ in ('Tensor', 'ndarray')


def compare(whole: Path, killed: Path) -> tuple[int, list[str]]:
    """Compare two checkpoints.

    Returns:
        Tensors and arrays compared, and paths of what differs.
    """
    import torch
    from deep_equality import differences

    one, other = (
        lasting(torch.load(path, map_location='cpu', weights_only=False), OF_THE_MOMENT)
        for path in (whole, killed)
    )
    return count_tensors(one), differences(one, other)


def names(work_dir: Path) -> set[str]:
    """Files of a work dir without those that are of one start, and checkpoints by iteration."""
    files = (path.relative_to(work_dir) for path in work_dir.rglob('*') if path.is_file())
    kept = (path for path in files if not re.match(r'\d{8}_\d{6}', path.parts[0]))
    return {re.sub(r'^iter_\d+\.', 'iter_N.', path.as_posix()) for path in kept}


def judge(whole: Run, killed: Run, args: argparse.Namespace) -> tuple[int, list[str]]:
    """Compare what two trainings left."""
    count, problems = 0, []
    files = [f'iter_{args.iterations}.pth']
    files += [path.name for path in whole.work_dir.glob('best_*.pth')]
    for name in files:
        if not (killed.work_dir / name).is_file():
            problems.append(f'{name} is missing')
            continue
        compared, differing = compare(whole.work_dir / name, killed.work_dir / name)
        count += compared
        problems += [f'{name}: {path}' for path in differing]
    for path in sorted((whole.work_dir / 'samples').glob('*.png')):
        other = killed.work_dir / 'samples' / path.name
        if not other.is_file() or other.read_bytes() != path.read_bytes():
            problems.append(f'samples/{path.name}')
    left = names(killed.work_dir) - names(whole.work_dir)
    left |= {path.name for path in killed.work_dir.rglob('*.unfinished')}
    problems += [f'{name} was left behind' for name in sorted(left)]
    return count, problems


def main(argv: list[str] | None = None) -> int:
    """Run the test.

    Returns:
        The exit code.
    """
    args = parse_args(argv)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        if args.keep:
            folder = Path(args.keep).resolve()
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='chaos_')))
        whole, killed = Run(folder / 'undisturbed', args), Run(folder / 'killed', args)
        try:
            start = time.monotonic()
            whole.start()
            if not whole.wait_for_training():
                print(f'DIFFERENT: the undisturbed training did not begin\n{whole.tail()}')
                return 1
            start_up = time.monotonic() - start
            if whole.wait_for_end(trains=True) or whole.launcher.returncode:
                print(f'DIFFERENT: the undisturbed training failed\n{whole.tail()}')
                return 1
            training = time.monotonic() - start - start_up
            print(
                f'undisturbed: {start_up:.1f} s to start, {training:.1f} s of training', flush=True
            )
            tally = disturb(killed, args, start_up, training)
        finally:
            for run in (whole, killed):
                if run.starts:
                    send(list(processes(run.mark)), signal.SIGKILL)
        count, problems = judge(whole, killed, args)
    found = [*tally.complaints, *problems]
    print(*found[:SHOWN], sep='\n', end='\n' if found else '')
    if len(found) > SHOWN:
        print(f'... and {len(found) - SHOWN} more')
    kinds = ', '.join(f'{tally.signals[name]} {name}' for name in ('SIGKILL', 'SIGTERM'))
    whom = ', '.join(f'{number} to {kind}' for kind, number in sorted(tally.victims.items()))
    print(
        f'kills: {whom or "none"}; {tally.before_training} before training began; at most '
        f'{tally.most_lost} iterations lost; all processes gone after at most '
        f'{tally.slowest_end:.1f} s; {time.monotonic() - began:.0f} s in all'
    )
    total = sum(tally.signals.values())
    if found:
        first = found[0].splitlines()[0]
        print(f'DIFFERENT: {total} kills ({kinds}), {len(found)} problems, the first: {first}')
        return 1
    print(f'identical: {total} kills ({kinds}), {count} tensors equal')
    return 0


if __name__ == '__main__':
    sys.exit(main())
