"""Draw images from a trained generator.

mmfncontra generate work_dirs/NAME/iter_50000.pth --num 16 --grid
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.versions import check_versions


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Write images of a trained generator as numbered PNG files. The same seed '
        'gives the same images, however many are asked for.'
    )
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help='.pth file of a training')
    parser.add_argument('--config', metavar='FILE', help='default: the one beside the checkpoint')
    parser.add_argument('--size', metavar='N', help="side of the images; default: the config's")
    parser.add_argument('--num', type=int, default=16, help='number of images')
    parser.add_argument('--seed', type=int, default=0, help='seed of the images')
    parser.add_argument(
        '--out', type=Path, metavar='FOLDER', help="default: 'generated' beside the checkpoint"
    )
    parser.add_argument('--grid', action='store_true', help='write grid.png as well')
    parser.add_argument(
        '--batch-size',
        type=int,
        help='images generated at once; default 16, on a GPU as many as fit',
    )
    parser.add_argument('--device', help='such as cuda or cpu; default: a GPU where there is one')
    parser.add_argument('--no-ema', action='store_true', help='last weights, not their average')
    parser.add_argument(
        '--truncation', type=float, default=1.0, help='of StyleGAN2: below 1, fewer odd images'
    )
    parser.add_argument('--label', type=int, help='class of the images; default: drawn')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Generate as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis import generate

    generate(
        args.checkpoint,
        config=args.config,
        size=args.size,
        num=args.num,
        seed=args.seed,
        out=args.out,
        grid=args.grid,
        batch_size=args.batch_size,
        device=args.device,
        use_ema=not args.no_ema,
        truncation=args.truncation,
        label=args.label,
    )
