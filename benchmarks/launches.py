#!/usr/bin/env python
"""Count what training steps ask of a GPU, and the host's time for it, without a GPU.

python benchmarks/launches.py --size 256 --batch 8

The steps run on the stand-in for the CUDA runtime of the tests (tests/cuda_stand_in), whose kernels
do nothing. Convolutions are torch's own there, which take several launches; of cuDNN they are
counted as 1.5 kernels forwards and 3 backwards, an estimate.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
STAND_IN = ROOT / 'tests' / 'cuda_stand_in'
# By name: config, whether it is the published step, and the iterations that are counted.
PLAIN = {'': 1}
LAZY = {'': 1, ', path length': 4, ', path length and R1': 16}
STEPS = {
    'FastGAN': ('fastgan/fastgan', False, PLAIN),
    'FNContra': ('fncontra/fastgan', False, PLAIN),
    'FastGAN as published': ('fastgan/fastgan', True, PLAIN),
    'FNContra as published': ('fncontra/fastgan', True, PLAIN),
    'StyleGAN2-ADA with FNContra': ('fncontra/stylegan2-ada', False, LAZY),
}


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=256, help='side of the images in pixels')
    parser.add_argument('--batch', type=int, default=8, help='images in a batch')
    parser.add_argument('--amp', action='store_true', help='autocast to bfloat16')
    parser.add_argument('--runs', type=int, default=5, help='timed steps of each')
    parser.add_argument('--only', choices=STEPS, nargs='+', default=list(STEPS), help='some alone')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change the configs'
    )
    parser.add_argument('--count', choices=STEPS, help=argparse.SUPPRESS)
    return parser.parse_args()


def count_kernels(work: Callable[[], object]) -> dict[str, float]:
    """Operations, convolutions and kernels of one call, by the counts of the stand-in."""
    from counters import counts
    from torch.utils._python_dispatch import TorchDispatchMode

    found = dict(operations=0, convolutions=0, kernels=0.0)

    def launched() -> int:
        now = counts()
        return sum(now[name] for name in ('launches', 'd2d', 'memsets', 'blas'))

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            before = launched()
            out = func(*args, **(kwargs or {}))
            name = func.overloadpacket.__name__
            found['operations'] += 1
            if name.startswith('convolution'):
                found['convolutions'] += 1
                found['kernels'] += 3 if 'backward' in name else 1.5
            else:
                found['kernels'] += launched() - before
            return out

    with Counting():
        work()
    return found


def count(args: argparse.Namespace) -> None:
    """In a process on the stand-in: print a line of JSON for each iteration of a step."""
    import torch
    from mmengine.config import DictAction
    from published_step import PublishedStep
    from training_step import Step

    torch.backends.cudnn.enabled = False  # it would look for a GPU
    family, published, iterations = STEPS[args.count]
    changes = (option.partition('=')[::2] for option in args.cfg_options)
    step = (PublishedStep if published else Step)(
        f'configs/{family}_{args.size}.py',
        args.batch,
        'cuda',
        args.amp,
        # A replayed step would be one launch.
        {'model.accelerate': None}
        | {key: DictAction._parse_iterable(value) for key, value in changes},
    )
    for suffix, iteration in iterations.items():
        for _ in range(2):
            step(iteration)
        found = count_kernels(lambda i=iteration: step(i))
        times = []
        for _ in range(args.runs):
            start = time.process_time()
            step(iteration)
            times.append(1000 * (time.process_time() - start))
        print(json.dumps(dict(step=args.count + suffix, **found, host_ms=statistics.median(times))))


def main() -> None:
    """Count each step in a process of its own and print a table."""
    args = parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(STAND_IN), str(BENCHMARKS)]
    if args.count:
        return count(args)
    from toolchain import CannotBuild, build

    print(f'{args.size} px, batch {args.batch}, {"bfloat16" if args.amp else "float32"}')
    print(f'{"":44s} operations convolutions kernels host ms')
    with tempfile.TemporaryDirectory() as folder:
        try:
            variables = build(Path(folder))
        except CannotBuild as reason:
            sys.exit(f'error: {reason}')
        own = dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1', CUDA_STAND_IN_ONLY_COUNTS='1')
        for name in args.only:
            child = subprocess.run(
                [sys.executable, '-W', 'ignore', __file__, *sys.argv[1:], '--count', name],
                env={**os.environ, **variables, **own},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            for line in child.stdout.splitlines():
                if line.startswith('{"step"'):
                    row = json.loads(line)
                    print(
                        f'{row["step"]:44s} {row["operations"]:10d} {row["convolutions"]:12d} '
                        f'{row["kernels"]:7.0f} {row["host_ms"]:7.1f}',
                        flush=True,
                    )


if __name__ == '__main__':
    main()
