"""Commands of projects/ssl."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import run_python
from PIL import Image
from ssl_models import SSL, ssl_config

METHODS = {'SimCLR': 'simclr', 'MoCo v2': 'mocov2'}
SUFFIXES = {
    'plain': '',
    'masking + feature mixing': '-masking-mixing',
    'SSCL': '-sscl',
    'DCL': '-dcl',
}
LACKING = (
    '--data must be a folder that holds the folders shoes and hats, got {}, which has no folder '
)


def test_quick_numbers_do_not_go_to_the_readme(capsys):
    from projects.ssl.run import parse_args

    with pytest.raises(SystemExit, match='2'):
        parse_args(['--quick'])
    assert '--quick needs --out' in capsys.readouterr().err


def _draw_photographs(folder):
    """As many images, of the same names, as the lists of the project say; drawn."""
    rng = np.random.default_rng(0)
    for split in ('train', 'test'):
        for line in (SSL / 'splits' / f'hats_shoes_{split}.txt').read_text().splitlines():
            file = folder / line.split()[0]
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(256, size=(6, 6, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 64)).save(file)


RUN = """
import runpy, sys
sys.argv = {argv!r}
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as end:
    assert end.code == 0, end.code
heavy = [name for name in sys.modules if name.startswith(('mmagic', 'mmfncontra.models.gans'))]
assert 'mmpretrain' in sys.modules and not heavy, heavy
"""


def _run(cwd, *argv):
    code = RUN.format(argv=[str(SSL / 'run.py'), *map(str, argv)])
    done = run_python('-c', code, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def test_the_command_trains_all_without_mmagic(tmp_path):
    _draw_photographs(tmp_path / 'data')
    readme = (SSL / 'README.md').read_bytes()
    done = _run(
        tmp_path, '--quick', '--seeds', 0, '--data', tmp_path / 'data', '--out', 'table.md',
        '--jobs', 1,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == 'done: table.md'
    assert 'Warning' not in done.stderr
    table = (tmp_path / 'table.md').read_text()
    assert table.count('\n| none | random weights |') == 2
    for method in ('SimCLR', 'MoCo v2'):
        for variant in ('plain', 'masking + feature mixing', 'SSCL', 'DCL'):
            assert table.count(f'\n| {method} | {variant} |') == 2
    assert '16 trainings and their probes took' in table
    assert 'One seed: no difference can be told from chance' in table
    assert 'was left out' not in table
    assert (SSL / 'README.md').read_bytes() == readme


def test_train_starts_one_config(tmp_path, monkeypatch, capsys):
    from projects.ssl import train

    monkeypatch.chdir(tmp_path)
    options = ['train_cfg.max_epochs=1', 'train_dataloader.dataset.indices=64']
    options += ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
    arguments = [str(SSL / 'configs' / 'mocov2-sscl_digits.py'), '--seed', '3']
    train.main([*arguments, '--cfg-options', *options])
    folder = Path('work_dirs/ssl/mocov2-sscl_digits')
    assert capsys.readouterr().out.splitlines()[-1].startswith(f'done: {folder}, linear probe ')
    state = torch.load(folder / 'epoch_1.pth', weights_only=True)['state_dict']
    assert 'queue' in state and all(value.isfinite().all() for value in state.values())


def test_without_photographs_digits_are_left_at_any_number_of_jobs(tmp_path, monkeypatch, capfd):
    from projects.ssl import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(tmp_path / 'nowhere'))
    said = f'Hats against shoes was left out: {LACKING.format(tmp_path / "nowhere/data")}shoes.'
    tables = []
    for jobs in '12':
        options = ['--out', f'{jobs}.md', '--jobs', jobs]
        run.main(['--quick', '--seeds', '0', '--methods', 'mocov2', *options])
        written = capfd.readouterr()
        assert said in written.out.splitlines()
        # What other processes say is not for pytest, which catches the warnings of this one.
        assert 'Multi-processing start method' not in written.err
        tables.append(Path(f'{jobs}.md').read_text())
    one, two = (re.sub(r'took .*', '', table) for table in tables)
    assert said in one.splitlines() and '### Digits' in one and '### Hats' not in one
    # How many processes there are changes nothing.
    assert one == two and tables[1].count('2 at a time') == 1


def test_a_table_that_cannot_be_written_is_refused_before_anything_is_trained(
    tmp_path, monkeypatch, mistake
):
    from projects.ssl import run

    monkeypatch.setattr(run, 'run_jobs', None)
    file = tmp_path / 'table.md'
    file.write_text('mine\n')
    assert mistake(run.main, '--quick', '--out', file).startswith(
        f'error: {file} must have the lines <!-- results: written by run.py --> and'
    )
    assert file.read_text() == 'mine\n'
    said = mistake(run.main, '--quick', '--out', tmp_path)
    assert said == f'error: --out must be a file, but {tmp_path} is a folder'


@pytest.mark.parametrize('lacking', ['shoes', 'hats'])
def test_a_wrong_folder_is_refused_before_anything_is_trained(
    lacking, tmp_path, monkeypatch, mistake
):
    from projects.ssl import run

    monkeypatch.chdir(tmp_path)
    # Where the default is right does not matter.
    for folder in ('shared/data/shoes', 'shared/data/hats'):
        Path(folder).mkdir(parents=True)
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(tmp_path / 'shared'))
    Path('wrong', ({'shoes', 'hats'} - {lacking}).pop()).mkdir(parents=True)
    monkeypatch.setattr(run, 'run_jobs', None)
    said = mistake(run.main, '--data', 'wrong', '--out', 'table.md')
    assert said == f'error: {LACKING.format("wrong")}{lacking}'
    assert not Path('table.md').exists()


def test_each_training_has_its_config_seed_and_folder(tmp_path):
    from projects.ssl import run

    argv = ['--seeds', '4', '7', '--data', tmp_path / 'data', '--work-dir', tmp_path / 'work']
    args = run.parse_args([str(word) for word in argv])
    jobs = run.list_jobs(args, run.DATA_SETS)
    wanted = {(data, '', '', seed): 'simclr' for data in run.DATA_SETS for seed in (4, 7)}
    for data, method, variant, seed in jobs.keys() - wanted.keys():
        wanted[data, method, variant, seed] = METHODS[method] + SUFFIXES[variant]
    assert len(jobs) == 2 * 2 * (1 + 2 * 4)
    folders = set()
    for (data, method, variant, seed), (cfg, is_trained) in jobs.items():
        name = f'{wanted[data, method, variant, seed]}_{data}'
        assert Path(cfg.filename).stem == name
        contrast = 'Contrast' if variant not in ('', 'plain') else ''
        assert cfg.model.type == contrast + {'s': 'SimCLR', 'm': 'MoCo'}[name[0]]
        assert cfg.randomness.seed == seed
        assert is_trained == bool(method)
        if data == 'hats_shoes':
            probe = cfg.custom_hooks[0]
            sets = (cfg.train_dataloader.dataset, probe.train, probe.test)
            assert {each.data_root for each in sets} == {str(tmp_path / 'data')}
        assert Path(cfg.work_dir).parent == tmp_path / 'work'
        folders.add(cfg.work_dir)
    # They run side by side.
    assert len(folders) == len(jobs)
    assert len({cfg.experiment_name for cfg, _ in jobs.values()}) == len(jobs)


def test_run_hands_over_all_trainings_and_how_many_at_a_time(tmp_path, monkeypatch):
    from projects.ssl import run
    from projects.ssl.training import measure

    given = []

    def nothing(function, jobs, processes):
        given.append((function, jobs, processes))
        # The last one ends first.
        yield from reversed([(name, place / 100) for place, name in enumerate(jobs)])

    monkeypatch.setattr(run, 'run_jobs', nothing)
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(tmp_path))
    options = ['--methods', 'mocov2', '--seeds', '4', '7', '--jobs', '3']
    run.main([*options, '--out', str(tmp_path / 'table.md')])
    ((function, jobs, processes),) = given
    assert (function, processes) == (measure, 3)
    assert len(jobs) == 10
    assert {Path(cfg.filename).stem for cfg, _ in jobs.values()} == {
        f'mocov2{suffix}_digits' for suffix in SUFFIXES.values()
    }
    table = (tmp_path / 'table.md').read_text()
    assert '8 trainings and their probes took' in table and '3 at a time' in table
    # The mean of 0 and 1 %, and of 2 and 3 %.
    assert '| none | random weights | 0.5 ± 0.7 |' in table
    assert '| MoCo v2 | plain | 2.5 ± 0.7 |' in table


def test_train_hands_over_what_the_command_line_says(tmp_path, monkeypatch):
    from projects.ssl import train, training

    given = []
    monkeypatch.setattr(training, 'train', lambda cfg: given.append(cfg) or 0.5)
    argv = [SSL / 'configs/simclr-dcl_hats_shoes.py', '--seed', 5, '--data', tmp_path / 'data']
    argv += ['--work-dir', tmp_path / 'work', '--cfg-options', 'train_cfg.max_epochs=9']
    train.main([str(word) for word in argv])
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(tmp_path / 'shared'))
    train.main([str(argv[0])])
    one, two = given
    assert Path(one.filename).stem == 'simclr-dcl_hats_shoes' and one.randomness.seed == 5
    assert one.train_cfg.max_epochs == 9 and Path(one.work_dir) == tmp_path / 'work'
    assert Path(one.train_dataloader.dataset.data_root) == tmp_path / 'data'
    assert two.randomness.seed == 0
    assert Path(two.work_dir) == Path('work_dirs/ssl/simclr-dcl_hats_shoes')
    assert Path(two.train_dataloader.dataset.data_root) == tmp_path / 'shared/data'


def test_photographs_that_are_not_there_are_refused_before_a_training(tmp_path):
    from projects.ssl.training import train

    cfg = ssl_config('simclr_hats_shoes')
    cfg.work_dir = str(tmp_path / 'work')
    (tmp_path / 'shoes').mkdir()
    for place, folder in enumerate((tmp_path / 'nowhere', tmp_path)):
        cfg.custom_hooks[0].test.data_root = cfg.train_dataloader.dataset.data_root = str(folder)
        with pytest.raises(ValueError) as error:
            train(cfg)
        assert str(error.value) == LACKING.format(folder) + ('shoes', 'hats')[place]
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
    ('option', 'said'),
    [
        (
            'train_cfg.max_epoch=1',
            "train_cfg: EpochBasedTrainLoop has no argument 'max_epoch'; did you mean "
            "'max_epochs'?",
        ),
        (
            'model.objective.type=mmfncontra.DLC',
            "model.objective.type: there is no model 'mmfncontra.DLC'; did you mean mmfncontra.DCL",
        ),
        (
            'model.objective.temprature=0.1',
            "model.objective: DCL has no argument 'temprature'; did you mean 'temperature'?",
        ),
    ],
    ids=['argument', 'type', 'argument of ours'],
)
def test_a_mistake_in_a_config_is_answered_in_a_line(option, said, tmp_path, mistake):
    from projects.ssl import train

    argv = [SSL / 'configs/simclr-dcl_digits.py', '--work-dir', tmp_path, '--cfg-options', option]
    # Further names may follow, by what else was imported.
    assert mistake(train.main, *argv).startswith(f'error: {said}')


def test_a_config_that_is_not_there_is_answered_by_its_name(mistake):
    from projects.ssl import train

    said = mistake(train.main, 'nothing.py')
    assert said.startswith('error: config nothing.py does not exist')
