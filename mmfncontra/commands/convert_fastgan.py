"""Convert a published FastGAN or FNContra checkpoint to one that our configs load.

    mmfncontra convert-fastgan 50000.pth fastgan.pth
    mmfncontra convert-fastgan all_50000.pth fncontra.pth --contrast

Only tensors and numbers are read from the file: no code in it runs.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.console import note, shown_name


def main(argv: Sequence[str] | None = None) -> None:
    """Parse ``argv``, convert, save and print where to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('src', type=Path, help="published checkpoint, a dict with 'g' and 'd'")
    parser.add_argument('dst', type=Path, help='checkpoint to write')
    parser.add_argument(
        '--contrast', action='store_true', help="the discriminator carries FNContra's head"
    )
    parser.add_argument(
        '--drop',
        nargs='+',
        default=(),
        metavar='PREFIX',
        help='leave out names that begin so, such as fixed wavelet filters',
    )
    args = parser.parse_args(argv)
    check_versions()
    import torch

    from mmfncontra.checkpoints.file import read_torch_file
    from mmfncontra.models.archs.fastgan_checkpoint import convert_fastgan, fastgan_size

    if not args.src.is_file():
        raise SystemExit(f'{args.src}: no such file')
    try:
        checkpoint = read_torch_file(args.src)
    except ValueError as error:
        raise SystemExit(f'{args.src}: truncated or not a PyTorch checkpoint ({error})') from None
    try:
        state = convert_fastgan(checkpoint, contrast=args.contrast, drop=args.drop)
    except ValueError as error:
        raise SystemExit(f'{args.src}: {error}') from None

    size = fastgan_size(checkpoint['g'])
    meta = dict(converted_from=args.src.name, size=size, contrast=args.contrast)
    args.dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=state, meta=meta), args.dst)
    note(f'{shown_name(args.dst)}: {size}×{size}, {len(state)} tensors')
