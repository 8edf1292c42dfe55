"""The scripts that start several processes; their launcher: test_elastic_launch.py."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from commands import ROOT, run

TOOLS = ROOT / 'tools'
# Writes its arguments; then waits for a signal, or leaves with the code in LEAVES.
SRUN = """#!/bin/bash
for s in TERM USR1; do trap "echo $s >> signals; exit 75" $s; done
printf '%s\\n' "$@" > called
[ -n "$LEAVES" ] && exit "$LEAVES"
for _ in $(seq 200); do sleep 0.05; done
"""
SCONTROL = '#!/bin/sh\necho "$@" > requeued\nexit ${SCONTROL_FAILS:-0}\n'


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Start slurm_train.sh where srun and scontrol are scripts of ours."""
    for name, text in (('srun', SRUN), ('scontrol', SCONTROL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)

    def start(*arguments, **env):
        kept = {k: v for k, v in os.environ.items() if not k.startswith('SLURM_')}
        return subprocess.Popen(
            [TOOLS / 'slurm_train.sh', 'part', 'job', 'a.py', 'out', *arguments],
            env={**kept, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'LEAVES': '', **env},
            stderr=subprocess.PIPE,
            text=True,
            # A shell that was started with Ctrl-C ignored cannot be taught to hear it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


def finish(process):
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize('script', ['dist_train.sh', 'slurm_train.sh'])
def test_scripts_say_how_they_are_called(script):
    done = run(TOOLS / script, 'only-one')
    assert done.returncode == 2 and done.stderr.startswith('usage: ')


@pytest.mark.parametrize(
    ('gpus', 'env', 'said'),
    [
        ('two', {}, "GPUS must be a whole number from 1, got 'two'"),
        ('0', {}, "GPUS must be a whole number from 1, got '0'"),
        ('2', {'NNODES': '0'}, "NNODES must be a whole number from 1, got '0'"),
        ('2', {'NODE_RANK': '-1'}, "NODE_RANK must be a whole number from 0, got '-1'"),
        ('2', {'MAX_RESTARTS': 'x'}, "MAX_RESTARTS must be a whole number from 0, got 'x'"),
        ('2', {'PORT': 'http'}, "PORT must be a whole number from 1, got 'http'"),
    ],
)
def test_mistakes_are_one_line(gpus, env, said):
    done = run(TOOLS / 'dist_train.sh', 'a.py', gpus, **env)
    assert (done.returncode, done.stderr) == (2, f'error: {said}\n')


def fake_python(path):
    """A program that says how it was called."""
    path.write_text('#!/bin/sh\necho "$@"\n')
    path.chmod(0o755)


@pytest.mark.parametrize(
    ('env', 'options'),
    [
        ({}, '--rdzv-backend=c10d --rdzv-endpoint=localhost:0 --rdzv-id=* --local-addr=127.0.0.1'),
        ({'PORT': '1'}, '--node-rank=0 --master-addr=127.0.0.1 --master-port=1'),
        (
            {'NNODES': '2', 'NODE_RANK': '1', 'MASTER_ADDR': 'host'},
            '--node-rank=1 --master-addr=host --master-port=29500',
        ),
        (
            {'NNODES': '2', 'MASTER_ADDR': 'host', 'MAX_RESTARTS': '3', 'RDZV_ID': 'mine'},
            '--rdzv-backend=c10d --rdzv-id=mine --rdzv-endpoint=host:29500',
        ),
    ],
)
def test_where_ranks_meet(tmp_path, env, options):
    fake_python(tmp_path / 'python3')
    env = dict(PATH=f'{tmp_path}:{os.environ["PATH"]}') | env
    done = run(TOOLS / 'dist_train.sh', 'a.py', '2', '--amp', **env)
    assert done.returncode == 0, done.stderr
    before, _, after = options.partition('*')
    assert before in done.stdout and after in done.stdout
    assert f'--nnodes={env.get("NNODES", 1)} --nproc-per-node=2' in done.stdout
    assert f'--max-restarts={env.get("MAX_RESTARTS", 0)}' in done.stdout
    assert done.stdout.endswith(f'{TOOLS}/train.py a.py --launcher pytorch --amp\n')


@pytest.mark.parametrize(('name', 'chosen'), [('python3', {}), ('mine', {'PYTHON': 'mine'})])
def test_a_machine_may_have_no_program_called_python(tmp_path, name, chosen):
    fake_python(tmp_path / name)
    for tool in ('dirname', 'bash', 'env'):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = subprocess.run(
        [shutil.which('bash'), TOOLS / 'dist_train.sh', 'a.py', '2'],
        env={'PATH': str(tmp_path), **chosen}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith('-m mmfncontra.launch.elastic_launch ')


def test_slurm_starts_the_python_that_is_named(slurm, tmp_path):
    assert finish(slurm(LEAVES='0', PYTHON='mine')) == (0, '')
    assert 'mine\n-u\n' in (tmp_path / 'called').read_text()


def test_slurm_command(slurm, tmp_path):
    env = dict(GPUS='2', GPUS_PER_NODE='2', SRUN_ARGS='--qos x', LEAVES='0')
    assert finish(slurm('--amp', **env)) == (0, '')
    called = (tmp_path / 'called').read_text().split()
    assert ' '.join(called).startswith('--partition=part --job-name=job --gres=gpu:2 --ntasks=2')
    assert '--qos x' in ' '.join(called)
    assert called[-6:] == ['a.py', '--work-dir', 'out', '--launcher', 'slurm', '--amp']


def test_a_job_that_slurm_started_again_resumes(slurm, tmp_path):
    assert finish(slurm('--resume', 'a.pth', SLURM_RESTART_COUNT='1', LEAVES='0'))[0] == 0
    called = (tmp_path / 'called').read_text().split()
    assert called[-4:] == ['--resume', 'a.pth', '--resume', 'auto']  # the last one counts


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGUSR1])
def test_a_preempted_job_goes_back_into_the_queue(slurm, tmp_path, number):
    process = slurm(SLURM_JOB_ID='7')
    while not (tmp_path / 'called').exists():
        time.sleep(0.01)
    process.send_signal(number)
    code, errors = finish(process)
    assert code == 75 and 'job 7 is in the queue again' in errors
    assert (tmp_path / 'requeued').read_text() == 'requeue 7\n'
    assert (tmp_path / 'signals').read_text().split() == [number.name.removeprefix('SIG')]


def test_what_else_may_end_a_slurm_job(slurm, tmp_path):
    # No batch job.
    code, errors = finish(slurm(LEAVES='75'))
    assert code == 75 and 'run the same command with --resume' in errors
    # It may not be queued again.
    code, errors = finish(slurm(LEAVES='75', SLURM_JOB_ID='7', SCONTROL_FAILS='1'))
    assert code == 75 and "'#SBATCH --requeue'" in errors
    (tmp_path / 'requeued').unlink()
    # A failure, a mistake.
    for code in ('1', '2', '137'):
        assert finish(slurm(LEAVES=code, SLURM_JOB_ID='7')) == (int(code), '')
    # Ctrl-C.
    (tmp_path / 'called').unlink()
    process = slurm(SLURM_JOB_ID='7')
    while not (tmp_path / 'called').exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    code, errors = finish(process)
    assert code == 130 and 'interrupted and saved' in errors
    assert not (tmp_path / 'requeued').exists()


@pytest.mark.skipif(
    shutil.which('git') is None or not (ROOT / '.git').exists(), reason='needs a clone of git'
)
def test_scripts_have_line_ends_of_unix_in_any_clone():
    asked = [str(path.relative_to(ROOT)) for path in ROOT.glob('tools/*.sh')]
    asked += ['tools/train.py', 'configs/fastgan/fastgan.py']
    command = ['git', '-c', 'core.autocrlf=true', 'check-attr', 'eol', '--', *asked]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.rpartition(': ')[2] for line in told.stdout.splitlines()] == ['lf'] * len(asked)
