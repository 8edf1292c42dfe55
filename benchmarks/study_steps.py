#!/usr/bin/env python
"""Time a training step of every variant of a study's plan, in one process, in turn.

python benchmarks/study_steps.py benchmarks/studies/time_to_quality_64.yaml --threads 1 --runs 9

The seconds on a study's cards are those of the machine as it was, with whatever ran beside. These,
of an idle machine, times the iterations of a card are what a training takes. A step of a variant
with a lazy loss is the mean of as many steps as that needs to come round.
"""

import argparse
import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Callable

import torch
from training_step import ROOT, Step, interleaved, use_the_machine


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('plan', help='YAML list of variants, as for tools/ablate.py --variants')
    parser.add_argument('--only', nargs='+', metavar='NAME', help='some of the variants')
    parser.add_argument('--runs', type=int, default=9, help='timed rounds')
    parser.add_argument('--threads', type=int, help='of torch; default as many as a training takes')
    parser.add_argument('--device', default='cpu', help="'cpu' or 'cuda'")
    parser.add_argument('--json', action='store_true', help='end with one line of JSON')
    return parser.parse_args()


def steps_of(args: argparse.Namespace) -> dict[str, Step]:
    """A step of each variant, with the batch of its config."""
    from mmfncontra.apis import apply_overrides, parse_options
    from mmfncontra.apis.ablation.variants import choose_variants, read_variants
    from mmfncontra.config.load import load_config

    steps = {}
    for variant in choose_variants(read_variants(args.plan), args.only):
        changes = parse_options(variant.options)
        cfg = load_config(variant.config)
        apply_overrides(cfg, changes)
        batch = cfg.train_dataloader.batch_size
        steps[variant.name] = Step(variant.config, batch, args.device, changes=changes)
    return steps


def period_of(step: Step) -> int:
    """Iterations after which the losses of a step come round."""
    losses = (*step.model.disc_auxiliary_losses.values(), *step.model.gen_auxiliary_losses.values())
    return math.lcm(*(getattr(loss, 'interval', 1) for loss in losses))


def round_of(step: Step, period: int) -> Callable[[], None]:
    """The steps of a period."""

    def run() -> None:
        for iteration in range(period):
            step(iteration)

    return run


def main() -> None:
    """Time the steps and print medians, ranges and ratios, as a table in Markdown."""
    args = parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    use_the_machine()
    if args.threads:
        torch.set_num_threads(args.threads)
    steps = steps_of(args)
    periods = {name: period_of(step) for name, step in steps.items()}
    works = {name: round_of(step, periods[name]) for name, step in steps.items()}
    times = {
        name: [value / periods[name] for value in values]
        for name, values in interleaved(works, args.runs, args.device).items()
    }
    medians = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(medians))
    print(
        f'{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
        f'{args.device}; {args.runs} runs of each, interleaved; medians\n'
    )
    print(f'| variant | seconds of a step | against {first} |\n|---|---|---|')
    for name, values in times.items():
        taken = f'{medians[name]:.3f} ({min(values):.3f} to {max(values):.3f})'
        print(f'| {name} | {taken} | {medians[name] / medians[first]:.2f} |')
    if args.json:
        print(json.dumps(medians))


if __name__ == '__main__':
    main()
