"""Our programs in this process: started, stopped after their parser, and asked for options."""

import copy
import functools
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from unittest import mock

from commands import load_module
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from pages import ROOT

from mmfncontra.apis import parse_options
from mmfncontra.config.load import load_config
from mmfncontra.config.options import apply_overrides
from mmfncontra.utils.shipped import find_shipped

DEMO, RECIPE = 'configs/fncontra/fastgan_demo.py', 'configs/fncontra/fastgan-offline.py'
# What a program cannot do without, where only options are shown.
ARGUMENTS = {
    'tools/train.py': [RECIPE],
    'tools/generate.py': ['work_dirs/NAME/iter_50000.pth'],
    'tools/test.py': ['work_dirs/NAME/iter_50000.pth'],
    'tools/report.py': ['work_dirs/NAME'],
    'tools/check_data.py': ['path/to/images'],
    'tools/compare_results.py': ['a_metrics.json'],
    'tools/ablate.py': ['--work-dir', 'ablations'],
    'tools/dist_train.sh': [DEMO, '2'],
    'benchmarks/gpu_acceptance.py': ['--out', 'results'],
    'benchmarks/versions.py': ['HEAD'],
    'benchmarks/study_steps.py': ['benchmarks/equal_time.yaml'],
    'benchmarks/what_contrast_does.py': ['work_dirs/NAME'],
    'benchmarks/what_metrics_see.py': ['path/to/images'],
    'benchmarks/gpu_tables.py': ['a.jsonl'],
    'tools/model_converters/fastgan_to_mmfncontra.py': ['a.pth', 'b.pth'],
    'projects/pcl_sr/train.py': ['projects/pcl_sr/configs/edsr.py'],
    'projects/ssl/train.py': ['projects/ssl/configs/simclr_digits.py'],
}
# Options of what is not ours.
FOREIGN = {'--wait': 'srun', '--freezed': "the ADA code's", '--slow': 'pytest', '--gpu': 'pytest'}


class Parsed(BaseException):
    """The end of a program whose own parser has read its command line."""


def parse(script: Path, words: Sequence[str]) -> ArgumentParser:
    """Let a program read its command line and go no further; return its parser."""

    def stop(parser, args=None, namespace=None):
        parser.allow_abbrev = False
        _, unknown = parse_known(parser, args, namespace)
        if unknown:
            parser.error(f'unrecognized arguments: {" ".join(unknown)}')
        raise Parsed(parser)

    parse_known = ArgumentParser.parse_known_args
    with (
        mock.patch.object(ArgumentParser, 'parse_args', stop),
        mock.patch.object(sys, 'argv', [str(script), *words]),
    ):
        module = program(script)
        try:
            getattr(module, 'parse_args', module.main)()
        except Parsed as parsed:
            return parsed.args[0]
    raise AssertionError(f'{script} has not parsed its command line')


def takes(script: str, words: Sequence[str]) -> bool:
    """Whether a program has these options; a single word may lack its value."""
    arguments = ARGUMENTS.get(script, [])
    if len(words) == 1:
        return words[0] in parse(ROOT / script, arguments)._option_string_actions
    try:
        return bool(parse(ROOT / script, [*arguments, *words]))
    except SystemExit:
        return False


@functools.cache
def program(script: Path) -> ModuleType:
    """A program as a module, imported once."""
    with mock.patch.object(sys, 'path', [str(script.parent), *sys.path]):
        return load_module(script)


@functools.cache
def base(config: str) -> Config:
    """A config, to be read only."""
    return load_config(find_shipped(config) or ROOT / config)


def check_key(word: str) -> None:
    """Refuse a key or ``key=value`` that no config of the families takes."""
    families = (
        RECIPE,
        *(f'configs/fncontra/{n}.py' for n in ('stylegan2-ada', 'fastgan', 'projected')),
    )
    errors = []
    for config in families:
        try:
            key, equals, _ = word.partition('=')
            options = parse_options([word]) if equals else {key: None}
            apply_overrides(copy.deepcopy(base(config)), options)
            return
        except ValueError as error:
            errors.append(str(error))
            if not equals and 'nothing reads' not in errors[-1]:
                return
    raise ValueError(errors[0])


def main(script: Path, words: list[str]) -> None:
    """Run a program in this process; each is to mmengine the only one."""
    for kept in (MMLogger, MessageHub, Visualizer, DefaultScope):
        kept._instance_dict.clear()
    try:
        program(script).main(words)
    except SystemExit as left:
        if left.code:
            raise


def program_of(command: str) -> str:
    """The program that is a subcommand of ``mmfncontra`` by another name, or its module."""
    name = command.replace('-', '_')
    tool = f'tools/{name}.py'
    return tool if (ROOT / tool).is_file() else f'mmfncontra/commands/{name}.py'


def find_script(word: str, page: str) -> str | None:
    """Our program that a word names, from the root or from the folder of its page."""
    if not word.endswith(('.py', '.sh')) or 'configs/' in word:
        return None
    if Path(word).is_absolute():
        return word if Path(word).is_file() else None
    for folder in ('', f'{Path(page).parent}/', 'tools/'):
        if (ROOT / folder / word).is_file():
            return str(Path(folder, word))
    return None
