"""Draw images from a trained generator.

mmfncontra generate work_dirs/NAME/iter_50000.pth --num 16 --grid
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.versions import check_versions

from .arguments import add_sampling


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Write images of a trained generator as numbered PNG files. The same seed '
        'gives the same images, however many are asked for.'
    )
    add_sampling(parser)
    parser.add_argument('--num', type=int, default=16, help='number of images')
    parser.add_argument(
        '--out', type=Path, metavar='FOLDER', help="default: 'generated' beside the checkpoint"
    )
    parser.add_argument('--grid', action='store_true', help='write grid.png as well')
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
