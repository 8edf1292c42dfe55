#!/usr/bin/env python
"""Time the training step of FNContra against that of its baseline, and the parts of both.

python benchmarks/step.py --size 256 --batch 4 --runs 5
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from training_step import ROOT, Step, giga_flops, interleaved, use_the_machine


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_step_arguments(parser)
    parser.add_argument('--runs', type=int, default=5, help='timed steps of each, interleaved')
    parser.add_argument('--no-parts', action='store_true', help='time whole steps only')
    parser.add_argument('--json', action='store_true', help='end with one line of JSON')
    return parser.parse_args()


def add_step_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which step is timed."""
    parser.add_argument('--size', type=int, default=256, help='side of the images in pixels')
    parser.add_argument('--batch', type=int, default=4, help='images in a batch')
    parser.add_argument(
        '--device', default='cpu', help="'cpu', 'cuda', or 'meta' to count operations only"
    )
    parser.add_argument('--amp', action='store_true', help='autocast to bfloat16')
    parser.add_argument(
        '--wavelet-l1',
        action='store_true',
        help='reconstruct under WaveletL1Loss, not LPIPS (whose VGG has random weights here)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change both configs'
    )


def step_of(family: str, args: argparse.Namespace) -> Step:
    """The step of FastGAN, or of FNContra on it.

    Args:
        family: Folder of the config below configs/.
        args: Options of :func:`add_step_arguments`.
    """
    from mmengine.config import DictAction

    options = (option.partition('=')[::2] for option in args.cfg_options)
    changes = {key: DictAction._parse_iterable(value) for key, value in options}
    if args.wavelet_l1:
        rec = dict(_delete_=True, type='WaveletL1Loss')
        changes = {'model.disc_auxiliary_losses.rec': rec, **changes}
    return Step(
        f'configs/{family}/fastgan_{args.size}.py', args.batch, args.device, args.amp, changes
    )


def parts(step: Step) -> dict[str, Callable[[], object]]:
    """What the step is made of, by name; forwards and backwards as in the step."""
    from mmfncontra.models.gans import discriminate
    from mmfncontra.models.gans.networks import augmented
    from mmfncontra.models.taps import FeatureTaps, forward_each

    model, contrast = step.model, step.model.contrast
    disc, trained = model.discriminator, model._trained_by_disc
    real = model.data_preprocessor(step.data, True)['inputs']
    noise = torch.randn(len(real), model.noise_size, device=real.device)
    context = step.optimisers['generator'].optim_context
    with torch.no_grad(), context(model.generator):
        fake = [image.float() for image in model.generator(noise)]
        on_real = discriminate(disc, real, decode=True)
    reconstructions = [r.float().requires_grad_() for r in on_real.reconstructions]

    def within(part: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            with context(model.generator):
                result = part()
            if result is not None:
                result.backward()

        return run

    def judge(images: object, **kwargs: bool) -> torch.Tensor:
        out = discriminate(disc, images, **kwargs)
        terms = [out.logits, *out.reconstructions, *(out.prototypes or [])]
        return sum(term.float().mean() for term in terms)

    def judge_for_generator() -> None:
        for parameter in trained:
            parameter.requires_grad_(False)
        images = [image.requires_grad_() for image in fake]
        within(lambda: judge(images, prototypes=contrast is not None))()
        for parameter in trained:
            parameter.requires_grad_(True)
        for image in fake:
            image.requires_grad_(False)

    # Optimisers need gradients, which the parts before leave behind.
    found = {
        'images to the device, scaled': lambda: model.data_preprocessor(step.data, True),
        'augmentation': lambda: (
            augmented(model.augment, real),
            augmented(model.augment, fake),
        ),
        'generator, forward and backward': within(
            lambda: sum(image.float().mean() for image in model.generator(noise))
        ),
        'discriminator on real, with decoders, f+b': within(lambda: judge(real, decode=True)),
        'discriminator on fake, f+b': within(lambda: judge(fake)),
        'discriminator for the generator, f+b': judge_for_generator,
        'reconstruction loss, f+b': within(
            lambda: model.disc_auxiliary_losses['rec'](reconstructions, on_real.targets)
        ),
        'optimisers': lambda: [o.optimizer.step() for o in step.optimisers.values()],
        'moving average': lambda: model.generator_ema.update_parameters(model.generator),
    }
    if contrast is not None:
        batches = [contrast.view(real), *contrast.negatives(real).values()]
        wanted = dict(embed=True, prototypes=True)
        with torch.no_grad(), context(model.generator):
            with FeatureTaps(disc.backbone, disc.tap_names).record() as maps:
                disc.backbone(real)
            _, query, real_maps = disc(real, **wanted)
            _, (_, positive, _), *negatives = (None, *forward_each(disc, batches, **wanted))
        embeddings = {k: n[1] for k, n in zip(contrast.difficulties, negatives, strict=True)}
        prototypes = {k: n[2] for k, n in zip(contrast.difficulties, negatives, strict=True)}
        query = query.float().requires_grad_()
        fake_maps = [m.clone().requires_grad_() for m in real_maps]
        weights = contrast.level_weights()
        found |= {
            'view and negatives': lambda: (contrast.view(real), contrast.negatives(real)),
            'their four forwards, no gradient': within(
                lambda: forward_each(disc, batches, **wanted) and None
            ),
            'head (embedding, prototypes), f+b': within(lambda: disc.head(maps)[0].float().mean()),
            'DWCL and GWCL, f+b': within(
                lambda: (
                    contrast.dwcl(query, positive, embeddings, weights)
                    + contrast.gwcl(fake_maps, real_maps, prototypes, weights)
                )
            ),
        }
    return found


def matrix_product(args: argparse.Namespace) -> Callable[[], object]:
    """A product of two 2048² matrices at the step's precision, 17.2 GFLOP."""
    kind = dict(device=args.device, dtype=torch.bfloat16 if args.amp else torch.float32)
    a, b = torch.rand(2, 2048, 2048).to(**kind)
    return lambda: a @ b


def peak_memory(family: str, args: argparse.Namespace) -> float:
    """MiB that a model with its step takes, in a process of its own."""
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measure_memory, args=(family, args, sender))
    child.start()
    child.join()
    return receiver.recv()


def _measure_memory(family: str, args: argparse.Namespace, sender: object) -> None:
    import mmfncontra.models.gans  # what imports take is no part of it

    assert mmfncontra.models.gans
    before = _largest_rss()
    step = step_of(family, args)
    for _ in range(3):
        step()
    if args.device == 'cuda':
        sender.send(torch.cuda.max_memory_allocated() / 2**20)
    else:
        sender.send(_largest_rss() - before)


def _largest_rss() -> float:
    """MiB that this process has held at most (Linux; getrusage would count the parent's)."""
    status = Path('/proc/self/status').read_text(encoding='utf-8')
    return next(int(line.split()[1]) for line in status.splitlines() if 'VmHWM' in line) / 1024


def count(steps: Mapping[str, Step], args: argparse.Namespace) -> None:
    """Print the arithmetic of steps and parts; nothing is computed."""
    print(f'{args.size} px, batch {args.batch}, GFLOP')
    for name, work in (*steps.items(), *parts(steps['fncontra']).items()):
        if amount := giga_flops(work):
            print(f'  {name:42s} {amount:8.1f}')


def main() -> None:
    """Time steps and parts in turn and print medians, ratios, arithmetic and memory."""
    args = parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    use_the_machine()
    steps = {family: step_of(family, args) for family in ('fastgan', 'fncontra')}
    if args.device == 'meta':
        return count(steps, args)
    works = {**steps, 'matrix product': matrix_product(args)}
    flops = {name: giga_flops(step) for name, step in steps.items()}
    times = interleaved(works, args.runs, args.device)
    medians = {name: statistics.median(values) for name, values in times.items()}
    rate = 2 * 2048**3 / 1e9 / medians['matrix product']
    memory = {family: peak_memory(family, args) for family in steps}
    baseline, ours = medians['fastgan'], medians['fncontra']
    print(
        f'{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
        f'{args.device}, {"bfloat16" if args.amp else "float32"}, matrix product {rate:.0f} GFLOP/s'
    )
    print(f'{args.size} px, batch {args.batch}, {args.runs} runs of each, interleaved; medians')
    for name in steps:
        values, share = times[name], flops[name] / medians[name] / rate
        print(
            f'{name:9s} {medians[name]:7.3f} s ({min(values):.3f} to {max(values):.3f})  '
            f"{flops[name]:6.0f} GFLOP, {share:4.0%} of the product's rate, {memory[name]:6.0f} MiB"
        )
    ratio, memory_ratio = ours / baseline, memory['fncontra'] / memory['fastgan']
    print(f'fncontra / fastgan: time {ratio:.3f}, memory {memory_ratio:.3f}')
    named = {} if args.no_parts else parts(steps['fncontra'])
    part_times = interleaved(named, args.runs, args.device)
    for name, values in part_times.items():
        median, work = statistics.median(values), giga_flops(named[name])
        share = f'{work / median / rate:4.0%}' if work > 0.1 else '    '
        print(f'  {name:42s} {1000 * median:8.1f} ms {work:6.1f} GFLOP {share}')
    if args.json:
        figures = dict(
            fncontra_over_baseline=ratio,
            seconds={name: medians[name] for name in steps},
            gflop=flops,
            matrix_product_gflop_per_second=rate,
            peak_mib=memory,
            memory_over_baseline=memory_ratio,
            parts={name: statistics.median(values) for name, values in part_times.items()},
        )
        print(json.dumps(figures))


if __name__ == '__main__':
    main()
