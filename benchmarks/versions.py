#!/usr/bin/env python
"""Time the training step of this version of the package against that of an older one.

python benchmarks/versions.py 6f31130 --size 256 --batch 4 --runs 5
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from step import add_step_arguments, step_of
from training_step import ROOT, Step, seconds, use_the_machine


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('revision', help='a commit of this repository')
    add_step_arguments(parser)
    parser.add_argument('--runs', type=int, default=5, help='timed steps of each, in turn')
    parser.add_argument('--serve', action='store_true', help=argparse.SUPPRESS)
    return parser.parse_args()


def serve(args: argparse.Namespace) -> None:
    """Take a step of the named config whenever a line asks for one, and answer its time."""
    use_the_machine()
    steps: dict[str, Step] = {}
    for line in sys.stdin:
        family = line.strip()
        if family not in steps:
            steps[family] = step_of(family, args)
        print(seconds(steps[family], args.device), flush=True)


class Worker:
    """A process with one version of the package.

    Args:
        tree: Folder of the version.
    """

    def __init__(self, tree: Path) -> None:
        environment = {**os.environ, 'PYTHONPATH': str(tree)}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], '--serve'],
            cwd=tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def step(self, family: str) -> float:
        """Seconds that one step takes."""
        self.process.stdin.write(f'{family}\n')
        self.process.stdin.flush()
        for line in self.process.stdout:
            try:
                return float(line)
            except ValueError:  # something that an import prints
                continue
        raise SystemExit(f'the worker ended with {self.process.wait()}')


def main() -> None:
    """Time the versions in turn and print medians and their ratios."""
    args = parse_args()
    if args.serve:
        return serve(args)
    families = ('fastgan', 'fncontra')
    with tempfile.TemporaryDirectory() as folder:
        older = Path(folder, 'older')
        git = ['git', '-C', str(ROOT), 'worktree']
        subprocess.run([*git, 'add', '--detach', str(older), args.revision], check=True)
        try:
            workers = {args.revision: Worker(older), 'this version': Worker(ROOT)}
            times: dict[tuple[str, str], list[float]] = {}
            for run in range(args.runs + 2):
                for family in families:
                    for name, worker in workers.items():
                        taken = worker.step(family)
                        if run >= 2:  # the first two warm up
                            times.setdefault((family, name), []).append(taken)
            for worker in workers.values():
                worker.process.kill()
        finally:
            subprocess.run([*git, 'remove', '--force', str(older)], check=True)
    print(f'{args.size} px, batch {args.batch}, {args.runs} runs of each in turn; medians')
    for family in families:
        both = [times[family, name] for name in workers]
        before, now = map(statistics.median, both)
        ranges = ', '.join(f'{min(values):.3f} to {max(values):.3f}' for values in both)
        print(
            f'{family:9s} {before:.3f} s before, {now:.3f} s now: {before / now:.2f} x ({ranges})'
        )


if __name__ == '__main__':
    main()
