"""Evaluate a trained generator and write a metric card.

mmfncontra test work_dirs/NAME/iter_50000.pth
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.console import note, shown_name

from .arguments import add_sampling

PIXELS = dict(type='mmfncontra.ImageMetrics', num_fake=1000)
LITE2 = dict(
    type='mmfncontra.FeatureMetrics',
    extractor='efficientnet_lite2',
    values=['fd', 'kid', 'precision_recall', 'density_coverage', 'memorisation'],
    num_fake=1000,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Write the metrics of a checkpoint, and all that they depend on, as JSON. '
        'Default: test_evaluator of its config, FID and KID of 5,000 images and metrics of pixels.'
    )
    add_sampling(parser)
    parser.add_argument('--data', metavar='FOLDER', help="real images; default: the config's")
    without = parser.add_mutually_exclusive_group()
    without.add_argument(
        '--pixels', action='store_true', help='only the metrics that need no weights'
    )
    without.add_argument(
        '--offline',
        action='store_true',
        help='only the metrics that need no download: of pixels, and of EfficientNet-Lite2',
    )
    parser.add_argument(
        '--weights', metavar='FILE', help="of Inception; default: torch's hub folder"
    )
    parser.add_argument('--num', type=int, help="generated images; default: the config's")
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='default: <checkpoint>_metrics.json beside it'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis.evaluate import evaluate
    from mmfncontra.evaluation.card import MetricCard

    path = evaluate(
        args.checkpoint,
        config=args.config,
        size=args.size,
        data=args.data,
        metrics=[PIXELS] if args.pixels else [LITE2, PIXELS] if args.offline else None,
        num=args.num,
        weights=args.weights,
        seed=args.seed,
        truncation=args.truncation,
        use_ema=not args.no_ema,
        batch_size=args.batch_size,
        device=args.device,
        out=args.out,
    )
    card = MetricCard.read(path)
    for name, value in card.metrics.items():
        note(f'{name:24} {value:.5g}')
    for warning in card.warnings:
        note(f'warning: {warning}')
    note(shown_name(path))
