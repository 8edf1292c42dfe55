"""A training that was left and resumed, against one that was not."""

from collections.abc import Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from . import scripts
from .run import Run

CONFIG = 'configs/fncontra/fastgan_demo.py'
# What is compared: under `deterministic` all must be equal; what graphs do is reported only.
KINDS = {
    'deterministic': ['randomness.deterministic=True', 'model.accelerate=None'],
    'graphs': ['model.accelerate=cuda_graphs'],
}
# Nothing that only looks at the training.
_BARE = [f'default_hooks.{name}=None' for name in ('samples', 'curves', 'negatives', 'doctor')]
_BARE += ['default_hooks.cards=None', 'param_scheduler=None']
_BARE += ['val_cfg=None', 'val_dataloader=None', 'val_evaluator=None']


def check(run: Run) -> None:
    """Train in one go and in two, with each kind of step, and compare all that was saved."""
    half = 1 if run.dry else 12
    whole, parts, first = {}, {}, {}
    for kind in KINDS:  # all at once
        whole[kind], parts[kind] = (run.work / f'resume_{kind}_{name}' for name in ('one', 'two'))
        first[kind] = [
            _train(kind, whole[kind], 2 * half, half),
            _train(kind, parts[kind], half, half),
        ]
    second = {}
    for kind in KINDS:
        first[kind][1].join()
        second[kind] = _train(kind, parts[kind], 2 * half, half, '--resume')
    for kind in KINDS:
        codes = [scripts.exit_code(training) for training in (*first[kind], second[kind])]
        if any(codes):
            run.emit(kind=kind, exit_codes=codes, fine=False)
            continue
        files = [folder / f'iter_{2 * half}.pth' for folder in (whole[kind], parts[kind])]
        try:
            facts = compare(*(torch.load(f, 'cpu', weights_only=False) for f in files))
        except Exception as error:  # the other kind may be fine
            run.failed(error, kind=kind)
            continue
        if kind == 'deterministic':
            facts['fine'] = not facts['differ'] and facts['same_draws']
        run.emit(kind=kind, iterations=2 * half, **facts)


def _train(kind: str, folder: Path, iterations: int, interval: int, *more: str) -> BaseProcess:
    options = [f'train_cfg.max_iters={iterations}', f'default_hooks.checkpoint.interval={interval}']
    return scripts.start(
        'tools/train.py',
        *(CONFIG, '--work-dir', folder, *more, '--cfg-options', *options, *_BARE, *KINDS[kind]),
    )


def compare(one: Mapping, other: Mapping) -> dict[str, object]:
    """How many tensors of two checkpoints differ, by how much, and whether all draws are equal."""
    kept = ('state_dict', 'optimizer', 'ranks')
    tensors, others = (dict(_tensors({k: c[k] for k in kept})) for c in (one, other))
    different = {
        name: value
        for name, value in tensors.items()
        if name not in others or not torch.equal(value, others[name])
    }
    draws = [name for name in tensors if name.startswith('ranks') and 'random' in name]
    weights = [name for name in different if name in others and name.startswith('state_dict')]
    distances = [(tensors[k].double() - others[k].double()).abs().max() for k in weights]
    return dict(
        tensors=len(tensors),
        differ=len(different) + len(others.keys() - tensors.keys()),
        same_draws=bool(draws) and not any(name in different for name in draws),
        largest_difference=float(max(distances, default=0.0)),
    )


def _tensors(tree: object, name: str = '') -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(tree, torch.Tensor):
        yield name, tree
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _tensors(value, f'{name}.{key}' if name else str(key))
    elif isinstance(tree, list | tuple):
        for i, value in enumerate(tree):
            yield from _tensors(value, f'{name}.{i}')
