import csv
import sys
from pathlib import Path

import pytest
from commands import ROOT, load_tool
from fake_slurm import FakeSlurm
from toy_config import write_toy_config

from mmfncontra.apis.ablation.trainings import plan_runs
from mmfncontra.apis.ablation.variants import Variant
from mmfncontra.launch.command import run_command


@pytest.fixture
def tool():
    return load_tool('ablate')


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A config, trained by a program that only writes metric cards."""
    command = (sys.executable, str(ROOT / 'tests' / 'toys' / 'fake_train.py'))
    monkeypatch.setitem(plan_runs.__kwdefaults__, 'train_command', command)
    monkeypatch.chdir(tmp_path)
    path = write_toy_config(tmp_path)
    val = (
        'val_evaluator = dict(metrics=[])\nval_dataloader = dict()\nval_cfg = dict(type="ValLoop")'
    )
    path.write_text(f'{path.read_text()}\n{val}\n')
    return path


def run(tool, *arguments):
    with pytest.raises(SystemExit) as left:
        run_command(lambda: tool.main([*map(str, arguments), '--work-dir', 'out']))
    return left.value.code


WIDE = ('--variant', 'wide: model.generator.width=8')


def test_plan_train_and_compare(tool, fake, capsys):
    Path('more.yaml').write_text('- {name: narrow, options: [model.generator.width=2]}\n')
    arguments = [fake, *WIDE, '--variants', 'more.yaml', '--cfg-options', 'train_cfg.max_iters=2']
    assert run(tool, *arguments, '--plan') == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9 and lines[0] == f'new      toy, seed 0: {fake}'
    assert not Path('out').exists()

    assert run(tool, *arguments) == 0
    shown = capsys.readouterr().out
    assert '| toy (baseline) | 3 |' in shown and '| narrow | 3 |' in shown
    assert 'Values at iteration 2.' in shown
    assert shown.splitlines()[-1] == 'tables in out: table.md, table.csv, table.tex'
    page = Path('out/study.html')
    assert '<h1>Study: out</h1>' in page.read_text() and f'samples in {page}' in shown

    Path('out/table.csv').unlink()
    only = [*arguments, '--table-only', '--baseline', 'wide', '--metrics', 'r_*']
    assert run(tool, *only) == 0 and 'starts' not in capsys.readouterr().out
    rows = list(csv.DictReader(Path('out/table.csv').read_text().splitlines()))
    assert [row['variant'] for row in rows] == ['wide', 'toy', 'narrow']
    assert {row['metric'] for row in rows} == {'r_t'}


def test_a_failed_run_shows_in_the_exit_code(tool, fake, monkeypatch, capsys):
    monkeypatch.setenv('FAKE_FAIL', 'wide/seed_1')
    assert run(tool, fake, *WIDE, '--seeds', 0, 1) == 1
    shown = capsys.readouterr().out
    *_, said, reason = shown.splitlines()
    assert said == '1 of 4 runs failed:'
    assert reason.startswith('  wide, seed 1: exit code 2: error: no room (all of it in ')
    assert '| wide | 1 |' in shown
    assert run(tool, fake, *WIDE, '--seeds', 0, 1, '--plan') == 0
    assert (
        f'failed   wide, seed 1: {fake} model.generator.width=8 (exit code 2: error: no room'
        in (capsys.readouterr().out)
    )
    assert run(tool, fake, *WIDE, '--seeds', 0, 1, '--table-only') == 0
    assert capsys.readouterr().out.splitlines()[-1] == reason


def test_failures_are_listed_without_a_table(tool, fake, monkeypatch, capsys):
    monkeypatch.setenv('FAKE_FAIL', '')
    assert run(tool, fake, '--seeds', 0, 1, '--jobs', 2) == 1
    *_, none, _, said, first, second = capsys.readouterr().out.splitlines()
    assert none.startswith('no table: there is nothing to compare') and said.startswith('2 of 2')
    assert first.startswith('  toy, seed 0: exit') and second.startswith('  toy, seed 1: exit')


def test_slurm(tool, fake, tmp_path, monkeypatch, capsys):
    pytest.importorskip('submitit', reason='submitit is not installed')
    slurm = FakeSlurm(tmp_path / 'cluster', monkeypatch)
    arguments = [fake, '--seeds', 0, 1, '--slurm', 'timeout_min=60', 'partition=gpu']
    assert run(tool, *arguments, '--jobs', 1) == 0
    *jobs, last = capsys.readouterr().out.splitlines()
    assert jobs == ['toy, seed 0: job 11_0, submitted', 'toy, seed 1: job 11_1, submitted']
    assert last.startswith('2 of 2 runs are with Slurm') and slurm.options('11')['array'] == '0-1%1'
    assert run(tool, *arguments, '--plan') == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f'queued   toy, seed 0: {fake} (job 11_0, PENDING)\n')
    assert run(tool, *arguments, '--table-only') == 2
    assert 'no run in out is finished' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        ([], 'variants must be one or more'),
        (['nowhere.py'], 'config nowhere.py does not exist'),
        (['toy.py', '--variant', 'wide'], "is written 'name: key=value"),
        (['--variant', 'wide: x=1'], "variant 'wide' has no config"),
        (['toy.py', '--baseline', 'x'], "baseline must be one of toy, got 'x'"),
        (['toy.py', '--jobs', '0'], 'jobs must be a positive integer, got 0'),
        (['toy.py', '--slurm', 'partition=gpu'], 'time of a job in minutes, such as timeout_min'),
        (['toy.py', '--slurm', 'gpu'], "--slurm takes key=value, such as partition=gpu, got 'gpu'"),
        (['toy.py', '--seeds', '1', '1'], 'seeds must be one or more different'),
        (['toy.py', '--cfg-options', 'train_cfg.max_iter=1'], 'did you mean train_cfg.max_iters'),
        (['toy.py', '--table-only'], 'no run in out is finished'),
    ],
)
def test_mistakes_are_one_line(tool, fake, arguments, said, capsys):
    assert run(tool, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1


def test_commands_are_those_of_training(tool):
    variant = Variant('a', 'b.py', ('x.y=None', 'z=[1,2]'))
    command = plan_runs([variant], 'out', [3], data='c', options=['z=0'], amp=True)[0].command
    assert command[0] == sys.executable and Path(command[1]).samefile(ROOT / 'tools' / 'train.py')
    args = load_tool('train').parse_args(command[2:])
    assert (args.config, args.seed, args.data, args.resume, args.amp) == (
        'b.py',
        3,
        'c',
        'auto',
        True,
    )
    assert Path(args.work_dir) == Path('out/a/seed_3')
    assert args.cfg_options == ['z=0', 'x.y=None', 'z=[1,2]']
