"""Command lines run at a tiny size, or resolved: parsed, with configs and files that exist."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import cv2
import pytest
import torch
from pages import ROOT, Code, Command, read_commands
from programs import ARGUMENTS, DEMO, RECIPE, base, find_script, main, parse, program, program_of
from toy_work_dir import write_card

from mmfncontra.apis.ablation.trainings import plan_runs
from mmfncontra.commands.main import check_command
from mmfncontra.datasets import ProceduralShells
from mmfncontra.utils.shipped import find_shipped

# What is not run here, and why; it is resolved all the same. The rest is run.
RESOLVED = {
    r'(\.|source|export|echo) |\w+=': "of the reader's shell",
    r'(python3 -m )?pip |python -m venv ': 'downloads packages',
    r'make ': 'builds an environment; the commands in its recipe are taken up as its own',
    r'(\S*python )?(-m )?pytest |\S*ruff ': 'tests do not run the tests',
    r'tensorboard ': 'a program of another package',
    r'tools/\w+\.sh|torchrun ': 'several processes or a cluster; what it starts is resolved',
    r'python3? benchmarks/': 'minutes, or a GPU: tests/benchmarks run it small',
    r'benchmarks/pack_wheels': 'downloads packages: tests/benchmarks/test_commands.py',
    r'python tests/chaos': 'half an hour: tests/test_chaos.py has a short form',
    r'python tools/list_': 'minutes: tests/apis/catalogue compare the pages',
    r'python projects/\w+/run\.': 'minutes: tests/projects run it in one step each',
    r'python \S*/\.mim/tools/train': "another package's, in a process of its own: seconds",
    r'python tools/ablate\.py .*--slurm': 'a cluster: tests/apis/ablation/test_slurm_array.py',
    r'.* load_from=stylegan2_c2|.*fastgan_to_|.* converted\.pth': 'a checkpoint to download',
    r'.*(esrgan|edsr)_contrast': 'seconds each: another of the three is run',
    r'(python )?tools/test\.py (?!.*--(pixels|offline))': 'the weights of Inception are a download',
}
# Words that stand for others, such as a reader's own.
MEANT = {
    'configs/<method>/<config>.py': DEMO,
    'GPUS': '2',
    'S': '0',
    'FOLDER': 'path/to/images',
    '.[lite]': '.',
}
# Options and, by program, places of what a command writes; files that a reader downloads or has.
WRITES = ('--out', '--work-dir', '--json', '--keep', '--logdir', '--target', '--export')
WRITTEN = {'slurm_train.sh': 4, 'fastgan_to_mmfncontra.py': 2}
READERS = re.compile(r'stylegan2_c2.*\.pth|(all_)?50000\.pth|\.whl/\*\.whl|docs/gpu/\*\.jsonl')
FEW = ['default_hooks.doctor=None', 'train_cfg.val_begin=1000', 'train_dataloader.num_workers=0']
FEW += ['train_dataloader.persistent_workers=False', 'default_hooks.samples.num_images=2']
TINY = {
    'FastGANGenerator': [
        *('model.generator.base_channels=4', 'model.discriminator.base_channels=4'),
        'train_dataloader.batch_size=2',
    ],
    'FastGANLiteGenerator': [
        *('model.generator.base_channels=4', 'model.discriminator.mix_channels=4'),
        'model.discriminator.feature_size=64',
        'train_dataloader.batch_size=2',
    ],
    'StyleGAN2Generator': [
        *('model.generator.out_size=16', 'model.discriminator.in_size=16'),
        *('model.generator.style_channels=16', 'model.generator.num_mlps=1'),
        *('train_dataloader.dataset.size=16', 'model.contrast.negatives.levels=3'),
        'train_dataloader.batch_size=4',
        # A checkpoint of it is large at any size.
        *('default_hooks.checkpoint=None', 'default_hooks.samples=None'),
    ],
}
# What makes other programs small.
SMALL = {
    'tools/generate.py': ['--num', '2'],
    'tools/test.py': ['--num', '4'],
    'tools/check_data.py': ['--no-measure'],
    'tools/report.py': [],
    'tools/compare_results.py': [],
    'mmfncontra/commands/configs.py': [],
}
# Writes down what it is called with.
STUB = '#!/bin/sh\nprintf "%s\\n" "$@" > called\n'


class Session:
    """A folder in which the commands of a page run one after the other.

    Args:
        folder: An empty one.
        trained: Trainings of other pages, by their command line; those of this one are added.
        config: Of pytest, which knows its options.
    """

    def __init__(self, folder: Path, trained: dict[tuple, Path], config: pytest.Config) -> None:
        self.folder, self.trained, self.pytest = folder, trained, config
        self.made = {'.venv/bin/activate', '.venv/bin/ruff', '.venv/bin/python'}
        self.variables = {'PWD': str(folder)}
        for name in ('tools', 'configs', 'projects', 'benchmarks', 'requirements', 'tests'):
            (folder / name).symlink_to(ROOT / name)
        for name in ('setup.cfg', 'mmfncontra'):
            (folder / name).symlink_to(ROOT / name)
        for name in ('path/to/images', 'data/mine', 'data/shells', 'hats'):
            draw_images(folder / name)
        for name in 'ab':
            (folder / name).mkdir()
            write_card(folder / name, 600, swd=10.0).rename(folder / f'{name}_metrics.json')
        stub = folder / 'bin' / 'python3'
        stub.parent.mkdir()
        for path in (stub, stub.with_name('srun')):
            path.write_text(STUB)
            path.chmod(0o755)

    def do(self, command: Command) -> str:
        """Run or resolve a command.

        Returns:
            How: ``'run'``, or the reason why it is resolved only.

        Raises:
            Exception: If it is neither, or is wrong.
        """
        words = [self._meant(word) for word in command.words if word != '…']
        line = ' '.join(words)
        known = [reason for pattern, reason in RESOLVED.items() if re.match(pattern, line)]
        elided = '…' in command.words
        if re.search(r'(^|/)python3?$', words[0]) and words[1:2] != ['-m']:
            words = words[1:]
        if words[0].startswith('-m'):
            words = words[1:]
        if words[0] == 'mmfncontra':
            if words[1:] == ['--help']:
                return 'the list of commands: tests/commands/test_main.py'
            if words[2:] == []:
                return f'{check_command(words[1])} is named only'
            words = [program_of(words[1]), *words[2:]]
        script = find_script(words[0], command.page)
        if script in ARGUMENTS and (len(words) == 1 or words[1].startswith('-')):
            words[1:1] = [self._meant(word) for word in ARGUMENTS[script]]
            elided = True
        if elided:
            known = ['parts are left out']
        run = None if script is None else self._how_to_run(script)
        if not (known or run):
            raise ValueError('is neither run nor resolved: see RESOLVED in tests/docs/runs.py')
        if 'CONFIG' in words:
            config = RECIPE if '--data' in words else ARGUMENTS.get(script, [DEMO])[0]
            words[words.index('CONFIG')] = config
        if not re.match(r'(echo|export)$|\w+=', words[0]):
            self._check_files(words)
        if script is None:
            self._resolve_other(command, words)
        elif script.endswith('.sh'):
            self._resolve_script(script, words[1:], command.env)
        else:
            parse(ROOT / script if not script.startswith('/') else Path(script), words[1:])
            if script == 'tools/train.py' and known:
                self._resolve_training(words[1:])
            if not known:
                run(script, words[1:])
        return known[0] if known else 'run'

    def _how_to_run(self, script: str) -> Callable[[str, list[str]], None] | None:
        if script in SMALL:
            return self._run_small
        own = {
            'tools/train.py': self._run_training,
            'tools/ablate.py': self._run_ablation,
            'projects/ssl/train.py': self._run_project,
            'projects/pcl_sr/train.py': self._run_project,
        }
        return own.get(script)

    def _run_small(self, script: str, words: list[str]) -> None:
        # Where features of real images are kept.
        with mock.patch.dict(os.environ, HOME=str(self.folder)):
            main(ROOT / script, [*words, *SMALL[script]])

    def _meant(self, word: str) -> str:
        word = MEANT.get(word, word)
        word = re.sub(r'\$(\w+)', lambda found: self.variables[found[1]], word)
        if word.startswith('work_dirs/NAME'):
            copy_tree(self._train_demo(), self.folder / 'work_dirs/NAME')
        # However long it was trained, it is the newest.
        if re.search(r'/iter_\d+\.pth$', word):
            newest = sorted((self.folder / word).parent.glob('iter_*.pth'))
            word = str(newest[-1].relative_to(self.folder)) if newest else word
        return word

    def _train_demo(self) -> Path:
        if (DEMO,) not in self.trained:
            self._run_training('tools/train.py', [DEMO])
        return self.trained[DEMO,]

    def _check_files(self, words: Sequence[str]) -> None:
        """Refuse files that are not there and that no command before has made."""
        written = WRITTEN.get(Path(words[0]).name)
        for place, word in enumerate(words):
            name = word.rpartition('=')[2]
            if place == written or words[place - 1] in WRITES:
                self.made.add(name)
            is_file = '/' in name or re.search(r'\.(py|txt|pth|json)$', name)
            if is_file and not (
                name in self.made or READERS.fullmatch(name) or self._is_there(name)
            ):
                raise FileNotFoundError(f'{name} is not there, and no command before makes it')

    def _is_there(self, name: str) -> bool:
        found = find_script(name, '') or find_shipped(name)
        return (self.folder / name).exists() or found is not None

    def _resolve_other(self, command: Command, words: list[str]) -> None:
        text = command.words[0]
        if found := re.match(r'(\w+)=', text):
            environment = dict(PATH=f'{Path(sys.executable).parent}:/usr/bin:/bin')
            shell = ['bash', '-c', f'{text}; echo "${found[1]}"']
            done = subprocess.run(
                shell, cwd=self.folder, env=environment, capture_output=True, text=True, check=True
            )
            self.variables[found[1]] = done.stdout.split('\n')[0]
        elif words[0] == 'make':
            for recipe in read_recipe(*words[1:]):
                self.do(recipe)
        elif 'pip' in words[:1]:
            from pip._internal.commands import create_command

            create_command(words[1]).parse_args(words[2:])
        elif words[0].endswith('pytest'):
            _, unknown = self.pytest._parser.parse_known_and_unknown_args(words[1:])
            if unknown:
                raise ValueError(f'pytest has no {" ".join(unknown)}')
        elif words[0] == 'torchrun':
            self._resolve_launched(words[1:])

    def _resolve_launched(self, words: list[str]) -> None:
        from torch.distributed.run import get_args_parser

        parser = get_args_parser()
        parser.allow_abbrev = False
        launched = parser.parse_args(words)
        script, arguments = launched.training_script, launched.training_script_args
        if launched.module:
            script, *arguments = program_of(arguments[0]), *arguments[1:]
        script = Path(script)
        parse(ROOT / script, arguments)
        if script.parent.name == 'tools':
            place = arguments.index('--launcher')  # in this process it would join a group
            self._resolve_training(arguments[:place] + arguments[place + 2 :])

    def _resolve_script(self, script: str, words: list[str], env: dict[str, str]) -> None:
        """Let a script start what writes down how it was called, and resolve that."""
        if script == 'benchmarks/pack_wheels.sh':
            return
        path = f'{self.folder / "bin"}:/usr/bin:/bin'
        environment = {**env, 'PATH': path, 'PYTHON': 'python3'}
        done = subprocess.run(
            [ROOT / script, *words], cwd=self.folder, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ValueError(done.stderr)
        called = (self.folder / 'called').read_text().splitlines()
        # After "-m mmfncontra.launch.elastic_launch", or all of srun's own.
        start = called.index('-u') + 1 if script == 'tools/slurm_train.sh' else 2
        self._resolve_launched(called[start:])

    def _resolve_training(self, words: list[str]) -> str:
        """Let tools/train.py prepare the config, up to the training; return its work dir."""
        for found in re.finditer(r'load_from=(\S+)', ' '.join(words)):
            if not (self.folder / found[1]).exists():
                state = {'generator.weight': torch.zeros(1)}
                torch.save(dict(state_dict=state, meta={}), self.folder / found[1])
        prepared = mock.Mock()
        with mock.patch('mmfncontra.apis.run_training', prepared):
            program(ROOT / 'tools/train.py').main(words)
        return prepared.call_args.args[0].work_dir

    def _run_training(self, script: str, words: list[str]) -> None:
        name = self._resolve_training(words)
        if '--size' in words:
            place = words.index('--size')
            words = words[:place] + words[place + 2 :]
        key, resumes = tuple(words), '--resume' in words
        if resumes or key not in self.trained:
            cfg = base(words[0])
            options = [f'train_cfg.max_iters={1 + resumes}', *FEW]
            options += TINY[cfg.model.generator.type]
            if cfg.train_dataloader.dataset.type == 'ProceduralShells':
                options.append('train_dataloader.dataset.num_images=4')
            elif cfg.model.generator.type == 'FastGANGenerator':
                words = [*words, '--size', '64']
            main(ROOT / script, [*words, '--work-dir', name, '--cfg-options', *options])
            self.trained[key] = self.folder / name
        elif self.trained[key] != self.folder / name:
            copy_tree(self.trained[key], self.folder / name)

    def _run_project(self, script: str, words: list[str]) -> None:
        if (script, words[0]) in self.trained:
            return
        self.trained[script, words[0]] = self.folder
        options = [option for option in FEW if option.startswith('train_dataloader')]
        if 'ssl' in script:
            options += ['train_cfg.max_epochs=1', 'train_dataloader.dataset.indices=64']
        else:
            options.append('train_cfg.max_iters=1')
            photographs = self.folder / 'photographs'
            if not photographs.exists():
                draw_images(photographs / 'shoes', 31, 64)
                draw_images(photographs / 'hats', 30, 64)
            words = [*words, '--data', str(photographs)]
        main(ROOT / script, [*words, '--cfg-options', *options])

    def _run_ablation(self, script: str, words: list[str]) -> None:
        stand_in = sys.executable, str(ROOT / 'tests/toys/fake_train.py')
        with mock.patch.dict(plan_runs.__kwdefaults__, train_command=stand_in):
            main(ROOT / script, [*words, '--cfg-options', 'train_cfg.max_iters=2'])


def read_recipe(*words: str) -> list[Command]:
    """What a target of the Makefile runs in the environment that it has built."""
    done = subprocess.run(
        ['make', '-n', *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(done.stderr)
    found = re.findall(r'^.*/bin/(?:python (?:tools/|-m pytest)|ruff).*$', done.stdout, re.M)
    code = Code(f'Makefile, make {" ".join(words)}', 1, '\n'.join(found), 'bash')
    return list(read_commands(code))


@functools.cache
def shells(size: int) -> ProceduralShells:
    return ProceduralShells(num_images=4, size=size)


def draw_images(folder: Path, number: int = 4, size: int = 256) -> None:
    """Write drawn shells as PNG files."""
    folder.mkdir(parents=True)
    for i in range(number):
        cv2.imwrite(str(folder / f'{i}.png'), shells(size)[i % 4]['img'][..., ::-1])


def copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
