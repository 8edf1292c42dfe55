"""The command ``mmfncontra``: which subcommand, imported when it is asked for (lazy import)."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from mmfncontra.config.near_names import did_you_mean
from mmfncontra.launch.command import run_command
from mmfncontra.version import __version__

# What each is for; its module has the same name, with underscores.
COMMANDS = {
    'train': 'train a generator on a folder of images',
    'generate': 'draw images from a trained generator',
    'test': 'evaluate a trained generator, write a metric card',
    'report': 'show trainings on one page',
    'check-data': 'look at a folder of images before training on it',
    'configs': 'list the configs that come with the package, or copy one',
    'ablate': 'train variants with several seeds, compare them in a table',
    'compare-results': 'put metric cards, or the tables of studies, side by side',
    'components': 'list what a contrast can be made of',
    'combinations': 'list what of the configs can be combined',
    'convert-fastgan': 'convert a published FastGAN checkpoint',
}


def describe_commands() -> str:
    """What ``mmfncontra --help`` says."""
    width = max(map(len, COMMANDS)) + 2
    return '\n'.join(
        [
            'usage: mmfncontra COMMAND [arguments]',
            '',
            'Train image generators on 50 to 1,000 images.',
            '',
            *(f'  {name:<{width}}{what}' for name, what in COMMANDS.items()),
            '',
            "'mmfncontra COMMAND --help' has the arguments of each, 'mmfncontra --version' says "
            'which this is.',
        ]
    )


def check_command(name: str) -> str:
    """Check the name of a subcommand.

    Args:
        name: What was typed.

    Returns:
        The name.

    Raises:
        ValueError: If there is no such command; the message has those that there are.
    """
    if name not in COMMANDS:
        there = f'there are {", ".join(COMMANDS)}'
        raise ValueError(f'mmfncontra has no command {name!r}{did_you_mean(name, COMMANDS, there)}')
    return name


def main(argv: Sequence[str] | None = None) -> None:
    """Run the subcommand that a command line names; its arguments become those of the process.

    Args:
        argv: Arguments; None: those of the process.

    Raises:
        ValueError: If there is no such command.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ('-h', '--help'):
        print(describe_commands())
    elif words[0] in ('-V', '--version'):
        print(f'mmfncontra {__version__}')
    else:
        name = check_command(words[0])
        module = import_module(f'mmfncontra.commands.{name.replace("-", "_")}')
        sys.argv = [f'mmfncontra {name}', *words[1:]]
        getattr(module, 'run', module.main)()


def run() -> NoReturn:
    """Run the command line of this process, and leave with its exit code."""
    run_command(main)
