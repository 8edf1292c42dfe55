#!/usr/bin/env python
"""What a contrast does in a training: gradients, embeddings, logits, prototypes of checkpoints.

python benchmarks/what_contrast_does.py work_dirs/NAME --batches 8 --out contrast.json

All checkpoints of one run, or of several, are measured on the same images and draws, as if the
next step of the training came, and changed in nothing. A run without contrast is looked at with the
negatives and prototypes of --contrast, which need no head: what its networks do with them by
themselves. Writes a table in Markdown for each run.
"""

import argparse
import math
import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from contrast_probe import ContrastProbe
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from mmfncontra.apis.inference import find_config, find_device
from mmfncontra.checkpoints.file import load_checkpoint_file
from mmfncontra.checkpoints.match_weights import match_weights
from mmfncontra.config.build_errors import explain_build_errors
from mmfncontra.config.components import import_custom_modules
from mmfncontra.config.load import load_config
from mmfncontra.config.options import set_data_root
from mmfncontra.engine.sample_loops import training_images
from mmfncontra.evaluation.metrics.heldout import read_heldout
from mmfncontra.models.sampling.images import from_arrays
from mmfncontra.registry import DATASETS, MODELS
from mmfncontra.utils.files import write_json
from mmfncontra.utils.unwrap import unwrap_images

ROOT = Path(__file__).resolve().parents[1]
LEGEND = dict(
    grad_trunk="norm of a loss's gradient by the weights up to the discriminator's last tapped map",
    cos_trunk='cosine of that gradient to that of the adversarial loss',
    grad_gen='the same by the weights of the generator',
    cos_gen='cosine of that to that of the adversarial loss',
    grad_fake='the same by the augmented generated images',
    cos_fake='cosine of that to that of the adversarial loss',
    embedding='mean cosine of an image to its view, its negatives, other images of the batch',
    trunk="the same of the discriminator's last tapped map, without head",
    nearer_than_view='share of images to which a negative of their own is nearer than the view',
    nce='term of DWCL, without weight',
    weight='weight of a level; the margin of GWCL',
    retrieval_view='share of augmented images that are the nearest of all to a view of themselves',
    retrieval='the same for that view among the images without augmentation',
    logit="the discriminator's mean logit",
    sign='mean sign of the logits; of real images it is r_t',
    gwcl_distance='distance of prototypes of fakes to those of real images and negatives',
    gwcl_degraded='distance of prototypes of real images to those of their negatives',
    gwcl_active="share of batches in which the level's hinge of GWCL is above 0",
)


@dataclass
class Run:
    """A training whose checkpoints are measured.

    Attributes:
        cfg: Its config; one without contrast has got the negatives and prototypes of another.
        checkpoints: Its checkpoints, by iteration in rising order.
        has_contrast: Whether it was trained with one.
        dataset: The images as they are trained on.
        plain: The same without random transforms.
        heldout: Held-out images that it was validated on, (N, 3, S, S) in [-1, 1], if there are.
    """

    cfg: Config
    checkpoints: dict[int, Path]
    has_contrast: bool
    dataset: Dataset
    plain: Dataset
    heldout: Tensor | None


def read_run(work_dir: Path, contrast: Path, data: str | None) -> Run:
    """Read a run's config and images, in the scope of the config."""
    found = {
        int(match[1]): path
        for path in work_dir.glob('iter_*.pth')
        if (match := re.fullmatch(r'iter_(\d+)\.pth', path.name))
    }
    if not found:
        raise FileNotFoundError(f'WORK_DIR must hold checkpoints iter_N.pth, {work_dir} has none')
    cfg = load_config(find_config(next(iter(found.values()))))
    import_custom_modules(cfg)
    set_data_root(cfg, data)
    has_contrast = bool(cfg.model.get('contrast'))
    if not has_contrast:
        cfg.model.contrast = {**load_config(contrast).contrast, 'dwcl': None}
    cfg.model.accelerate = None
    with explain_build_errors(cfg):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        plain = DATASETS.build(training_images(cfg.train_dataloader.dataset))
        heldout = read_held_out(cfg)
    return Run(cfg, dict(sorted(found.items())), has_contrast, dataset, plain, heldout)


def load_model(cfg: Config, checkpoint: Path, device: str) -> torch.nn.Module:
    """The GAN of a checkpoint in training mode."""
    state = load_checkpoint_file(checkpoint)['state_dict']
    with explain_build_errors(cfg):
        model = MODELS.build(cfg.model)
    expected = model.state_dict()
    match = match_weights(state, expected, rename=True)
    if misfits := match.describe(everything=False):
        raise ValueError(f'{checkpoint} does not fit its config: {match.reason} ({misfits})')
    model.load_state_dict(expected | match.weights)
    return model.to(device).train()


def draw_batches(dataset: Dataset, size: int, seed: int) -> Iterator[dict]:
    """Batches of the images as a training draws them, without end."""
    draws, chosen = torch.Generator().manual_seed(seed), []
    while True:
        while len(chosen) < size:
            chosen += torch.randperm(len(dataset), generator=draws).tolist()
        yield default_collate([dataset[i] for i in chosen[:size]])
        del chosen[:size]


def prepare(model: torch.nn.Module, data: dict) -> tuple[Tensor, dict[str, Tensor]]:
    """A batch as a step takes it: images in [-1, 1], and labels if there are classes."""
    data = model.data_preprocessor(data, True)
    return unwrap_images(data['inputs']), model._labels(data)


def read_held_out(cfg: Config) -> Tensor | None:
    """Held-out images that the run was validated on, (N, 3, S, S) in [-1, 1], if there are."""
    evaluator = cfg.get('val_evaluator') or {}
    metrics = evaluator.get('metrics', []) if isinstance(evaluator, dict) else evaluator
    splits = [m['heldout'] for m in metrics if m.get('heldout')]
    return from_arrays(read_heldout(splits[0])) if splits else None


def summarise(found: list[dict[str, float]], of: Callable) -> dict[str, float]:
    """Means or spreads over batches; a batch of which a value cannot be said is left out of it."""
    names = dict.fromkeys(name for values in found for name in values)
    return {name: of([values[name] for values in found if name in values]) for name in names}


def measure(run: Run, checkpoint: Path, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All that is measured of a checkpoint: ``mean`` and ``std`` over batches."""
    model = load_model(run.cfg, checkpoint, args.device)
    size = run.cfg.train_dataloader.batch_size
    # 0: losses that are due now and then are due.
    MessageHub.get_current_instance().update_info('iter', 0)
    probe = ContrastProbe(model)
    set_random_seed(args.seed)
    batches, found = draw_batches(run.dataset, size, args.seed), []
    for number in range(args.batches):
        real, kwargs = prepare(model, next(batches))
        found.append(probe.measure(real, **kwargs))
        if run.heldout is not None and not model.num_classes:
            chosen = (torch.arange(size) + size * number) % len(run.heldout)
            found[-1] |= probe.judge(run.heldout[chosen].to(real))
    sample = next(draw_batches(run.plain, min(args.sample, len(run.plain)), args.seed))
    images, kwargs = prepare(model, sample)
    found += [probe.retrieve(images, **kwargs) for _ in range(args.batches)]
    return dict(mean=summarise(found, statistics.fmean), std=summarise(found, statistics.pstdev))


def show(value: float | None) -> str:
    """A number as the table has it."""
    return '' if value is None or math.isnan(value) else f'{value:.3g}'


def to_markdown(found: Mapping[str, Mapping[str, float]]) -> str:
    """A table of what was measured, a column for each checkpoint, without single taps."""
    names = dict.fromkeys(n for values in found.values() for n in values if '@' not in n)
    order = ['loss_disc', 'loss_gen', *LEGEND]
    rows = sorted(names, key=lambda name: order.index(name.partition('/')[0]))
    lines = [f'| | {" | ".join(found)} |', f'|---|{"---|" * len(found)}']
    for name in rows:
        cells = ' | '.join(show(values.get(name)) for values in found.values())
        lines.append(f'| {name.replace("/", ": ")} | {cells} |')
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR', help='of a training')
    parser.add_argument('--batches', type=int, default=8, help='batches that are averaged over')
    parser.add_argument('--sample', type=int, default=128, help='images of a retrieval at most')
    parser.add_argument('--data', help='folder or zip of the images, if not where they were')
    parser.add_argument(
        '--contrast',
        type=Path,
        default=ROOT / 'configs/_base_/contrast/fncontra.py',
        help='config with the negatives for runs without contrast',
    )
    parser.add_argument('--seed', type=int, default=0, help='of images, noise and all other draws')
    parser.add_argument('--device', help='default: a GPU where there is one')
    parser.add_argument('--out', type=Path, help='JSON file of all values, those of taps too')
    args = parser.parse_args()
    for name in ('batches', 'sample'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be 1 or more, got {getattr(args, name)}')
    args.device = find_device(args.device)
    return args


def main() -> None:
    """Measure the checkpoints of all runs and print their tables."""
    args = parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')  # it would write between the tables
    results, seen = {}, set()
    for work_dir in args.work_dirs:
        with DefaultScope.overwrite_default_scope('mmfncontra'):
            run = read_run(work_dir, args.contrast, args.data)
            found = {
                str(iteration): measure(run, path, args)
                for iteration, path in run.checkpoints.items()
            }
        results[str(work_dir)] = dict(contrast=run.has_contrast, checkpoints=found)
        means = {iteration: values['mean'] for iteration, values in found.items()}
        without = '' if run.has_contrast else ', a run without contrast'
        print(f'{work_dir.name}{without}, means of {args.batches} batches:\n')
        print(f'{to_markdown(means)}\n', flush=True)
        seen |= {name.partition('/')[0] for values in means.values() for name in values}
        if args.out is not None:
            write_json(args.out, results)
    print('\n'.join(f'* {name}: {meaning}' for name, meaning in LEGEND.items() if name in seen))


if __name__ == '__main__':
    main()
