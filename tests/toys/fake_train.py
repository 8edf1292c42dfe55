"""Stands in for ``tools/train.py``: writes metric cards whose value is width + seed / 10.

``FAKE_FAIL``, ``FAKE_HANG``, ``FAKE_MUTE``, ``FAKE_STOP`` and ``FAKE_MEET`` name a part of the
folder of a run that fails, never ends, writes no card, ends early, or waits for another to start.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument('config')
parser.add_argument('--work-dir', type=Path)
parser.add_argument('--seed', type=int)
parser.add_argument('--resume', action='store_true')
parser.add_argument('--data')
parser.add_argument('--amp', action='store_true')
parser.add_argument('--cfg-options', nargs='+', default=[])
args = parser.parse_args()
options = dict(option.split('=') for option in args.cfg_options)


def is_asked(what):
    return os.environ.get(f'FAKE_{what}', 'nothing') in args.work_dir.as_posix()


checkpoint = args.work_dir / 'checkpoint'
start = int(checkpoint.read_text()) if args.resume and checkpoint.exists() else 0
with (args.work_dir / 'starts.txt').open('a') as file:
    file.write(f'{start}\n')
print({name: os.environ.get(name) for name in ('OMP_NUM_THREADS', 'CUDA_VISIBLE_DEVICES')})
end = time.monotonic() + 60
while is_asked('MEET') and len(list(args.work_dir.parents[1].rglob('starts.txt'))) < 2:
    if time.monotonic() > end:
        sys.exit('nobody came')
    time.sleep(0.02)
if is_asked('FAIL'):
    print('some text\nerror: no room', file=sys.stderr)
    sys.exit(2)
width = float(options.get('model.generator.width', 4))
for iteration in range(start + 2, int(options.get('train_cfg.max_iters', 4)) + 1, 2):
    # Worse towards the end.
    value = width + args.seed / 10 + iteration / 100
    card = dict(
        metrics=dict(swd=value, precision=1 / value, r_t=0.5),
        depends=dict(images=dict(num_fake=int(os.environ.get('FAKE_NUM', 8))), run={}),
        iteration=iteration,
    )
    if not is_asked('MUTE'):
        path = args.work_dir / 'metrics' / f'iter_{iteration:06d}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(card))
    checkpoint.write_text(str(iteration))
    print(f'iter {iteration}/4 | eta 0:00:0{4 - iteration}', flush=True)
    if is_asked('HANG'):
        time.sleep(100)
    if is_asked('STOP'):
        break
