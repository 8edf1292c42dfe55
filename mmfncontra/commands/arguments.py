"""Arguments that several commands have."""

import argparse


def add_cfg_options(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--cfg-options``, a list of ``KEY=VALUE`` that may come several times.

    Args:
        parser: Of a command.
        text: Its help.
    """
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], action='extend', metavar='KEY=VALUE', help=text
    )


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the checkpoint that images are drawn from, and how they are drawn.

    Args:
        parser: Of a command.
    """
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help='.pth file of a training')
    parser.add_argument('--config', metavar='FILE', help='default: the one beside the checkpoint')
    parser.add_argument('--size', metavar='N', help="side of the images; default: the config's")
    parser.add_argument('--seed', type=int, default=0, help='seed of the images')
    parser.add_argument('--no-ema', action='store_true', help='last weights, not their average')
    parser.add_argument(
        '--truncation', type=float, default=1.0, help='of StyleGAN2: below 1, fewer odd images'
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        help='images generated at once; default 16, on a GPU as many as fit',
    )
    parser.add_argument('--device', help='such as cuda or cpu; default: a GPU where there is one')
