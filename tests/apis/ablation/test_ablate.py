import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scipy.stats import ttest_rel
from toy_config import write_toy_config

from mmfncontra.apis.ablation.results import write_tables
from mmfncontra.apis.ablation.trainings import check_runs, plan_runs, run_trainings
from mmfncontra.apis.ablation.variants import (
    Variant,
    choose_variants,
    name_configs,
    parse_variant,
    read_variants,
)

TOYS = Path(__file__).parents[2] / 'toys'
FAKE = (sys.executable, str(TOYS / 'fake_train.py'))


@pytest.fixture
def config(tmp_path):
    path = write_toy_config(tmp_path)
    val = (
        'val_evaluator = dict(metrics=[])\nval_dataloader = dict()\nval_cfg = dict(type="ValLoop")'
    )
    path.write_text(f'{path.read_text()}\n{val}\n')
    return str(path)


@pytest.fixture
def variants(config):
    return [Variant('base', config), Variant('wide', config, ('model.generator.width=8',))]


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


def plan(variants, out, seeds=(0, 1), **shared):
    return plan_runs(variants, out, seeds, train_command=FAKE, **shared)


def ablate(variants, out, seeds=(0, 1), **shared):
    runs = plan(variants, out, seeds, **shared)
    return runs, run_trainings(check_runs(runs, **shared), out)


def starts(out):
    return {
        path.parent.relative_to(out).as_posix(): path.read_text().split()
        for path in sorted(out.rglob('starts.txt'))
    }


def test_every_run_once(variants, out, capsys):
    runs, failures = ablate(variants, out, seeds=(0, 1, 2))
    assert not failures and {run.state for run in runs} == {'finished'}
    assert [run.name for run in runs[:3]] == ['base, seed 0', 'wide, seed 0', 'base, seed 1']
    assert 'run 6 of 6: wide, seed 2: starts' in capsys.readouterr().out
    (out / 'base/seed_0/iter_4.pth').touch()
    ablate(variants, out, seeds=(0, 1, 2))
    shown = capsys.readouterr().out
    assert shown.count('finished already') == 6 and 'not gone on with' not in shown
    once = {f'{name}/seed_{seed}': ['0'] for name in ('base', 'wide') for seed in range(3)}
    assert starts(out) == once
    ablate(variants, out, seeds=(2, 3))
    assert starts(out) == once | {'base/seed_3': ['0'], 'wide/seed_3': ['0']}


def test_table(variants, out):
    runs, _ = ablate(variants, out, seeds=(0, 1, 2))
    table = write_tables(runs, out)
    base = [4.04 + seed / 10 for seed in range(3)]
    cell = table.rows['wide']['precision']
    expected = ttest_rel([1 / (value + 4) for value in base], [1 / value for value in base])
    assert cell.comparison.p_t == pytest.approx(expected.pvalue) and cell.verdict == 'worse'
    assert table.metrics == ['swd', 'precision']
    shown = (out / 'table.md').read_text()
    assert '| base (baseline) | 3 | 4.14 ± 0.10 | ' in shown and 'iteration 4' in shown
    assert 'toy.py model.generator.width=8 |' in shown
    assert (out / 'table.csv').read_text() == table.to_csv()
    assert (out / 'table.tex').read_text() == table.to_latex()
    other = write_tables(runs, out, 'wide', ['r_t'])
    assert list(other.rows) == ['wide', 'base'] and other.metrics == ['r_t']


def test_values_that_a_training_saw_have_a_sentence(variants, out):
    runs, _ = ablate(variants, out)
    for path in out.glob('wide/*/metrics/*.json'):
        card = json.loads(path.read_text())
        card['depends']['lite0'] = dict(extractor='efficientnet_lite0', seen_in_training=['swd'])
        path.write_text(json.dumps(card))
    table = write_tables(runs, out)
    assert table.rows['wide']['swd'].seen and table.rows['wide']['precision'].verdict
    assert '* † wide was trained with efficientnet_lite0, by which swd is' in table.to_markdown()


def test_best_values(variants, out):
    runs, _ = ablate(variants, out)
    best = write_tables(runs, out, cards='best')
    assert best.rows['base']['swd'].mean == pytest.approx(4.07)  # that of iteration 2
    assert best.rows['base']['precision'].mean == pytest.approx((1 / 4.02 + 1 / 4.12) / 2)
    assert 'flatters' in best.to_markdown()
    with pytest.raises(ValueError, match="cards must be one of last, best, got 'first'"):
        write_tables(runs, out, cards='first')


def test_a_failure_does_not_stop_the_others(variants, out, monkeypatch, capsys):
    monkeypatch.setenv('FAKE_FAIL', 'wide/seed_0')
    runs, failures = ablate(variants, out)
    assert list(failures) == ['wide, seed 0'] and 'exit code 2: error: no room' in str(failures)
    assert 'FAILED: exit code 2' in capsys.readouterr().out
    assert [run.state for run in runs] == ['finished', 'failed', 'finished', 'finished']
    assert runs[1].failure == failures['wide, seed 0']
    shown = write_tables(runs, out).to_markdown()
    assert 'left out: wide, seed 0' in shown and '| wide | 1 |' in shown
    monkeypatch.delenv('FAKE_FAIL')
    assert ablate(variants, out)[1] == {} and starts(out)['wide/seed_0'] == ['0', '0']


def test_a_run_without_card_failed(variants, out, monkeypatch):
    monkeypatch.setenv('FAKE_MUTE', '')
    runs, failures = ablate(variants[:1], out, seeds=[0])
    assert 'no metric card' in failures['base, seed 0'] and runs[0].state == 'failed'
    with pytest.raises(ValueError, match='nothing to compare'):
        write_tables(runs, out)


def test_a_run_that_stops_early_is_finished(variants, out, monkeypatch):
    monkeypatch.setenv('FAKE_STOP', 'wide')
    runs, failures = ablate(variants, out)
    assert not failures and {run.state for run in runs} == {'finished'}
    assert 'end at different iterations: 2, 4' in write_tables(runs, out).to_markdown()


SCRIPT = """
import signal
# Started in the background, it would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
import sys
from mmfncontra.apis.ablation.trainings import check_runs, plan_runs, run_trainings
from mmfncontra.apis.ablation.variants import Variant
from mmfncontra.launch.command import run_command
config, out, *command = sys.argv[1:]
def main():
    wide = Variant('wide', config, ('model.generator.width=8',))
    runs = plan_runs([Variant('base', config), wide], out, (0, 1), train_command=command)
    run_trainings(check_runs(runs), out)
run_command(main)
"""


@pytest.fixture
def hanging(config, out):
    """An ablation in a process group of its own, which hangs in its second run."""
    process = subprocess.Popen(
        [sys.executable, '-c', SCRIPT, config, str(out), *FAKE],
        env={**os.environ, 'FAKE_HANG': 'wide/seed_0', 'PYTHONPATH': str(TOYS)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not (out / 'wide' / 'seed_0' / 'checkpoint').exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    yield process
    process.kill()
    process.communicate()


def test_goes_on_after_a_kill(hanging, variants, out):
    hanging.kill()
    hanging.wait()
    # What it started lives on: nothing else may train there.
    with pytest.raises(ValueError, match=r'a training still runs in .* \(process \d+\)'):
        ablate(variants, out)
    child = int((out / '.lock').read_text())
    os.kill(child, signal.SIGKILL)
    runs = plan(variants, out)
    assert [run.state for run in runs] == ['finished', 'started', 'new', 'new']
    end = time.monotonic() + 20
    while True:  # the lock goes with the process, a moment after the signal
        try:
            assert ablate(variants, out)[1] == {}
            break
        except ValueError:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert starts(out) == {
        'base/seed_0': ['0'],
        'base/seed_1': ['0'],
        'wide/seed_0': ['0', '2'],
        'wide/seed_1': ['0'],
    }


def test_ctrl_c(hanging, variants, out):
    os.killpg(hanging.pid, signal.SIGINT)
    assert 'interrupted; the same command goes on' in hanging.communicate(timeout=30)[0]
    assert hanging.returncode == 130
    assert ablate(variants, out)[1] == {} and starts(out)['wide/seed_0'] == ['0', '2']


def test_settings_of_a_folder_stay(variants, config, out):
    ablate(variants, out, seeds=[0])
    changed = [Variant('base', config, ('model.generator.width=5',)), variants[1]]
    with pytest.raises(ValueError, match=r'seed_0 holds a run with another config or other'):
        ablate(changed, out, seeds=[0])
    with pytest.raises(ValueError, match='holds a run with another'):
        ablate(variants, out, seeds=[0], options=['train_cfg.max_iters=2'])
    (out / 'mine' / 'seed_0').mkdir(parents=True)
    (out / 'mine' / 'seed_0' / 'work.txt').write_text('')
    with pytest.raises(ValueError, match='no run of an ablation'):
        ablate([Variant('mine', config)], out)


def test_a_study_may_go_on_for_longer(variants, out):
    ablate(variants, out, seeds=[0])
    longer = ['train_cfg.max_iters=6']
    runs, failures = ablate(variants, out, seeds=[0], options=longer)
    assert failures == {} and [run.state for run in runs] == ['finished'] * 2
    assert [run.read_record()['max_iters'] for run in runs] == [6, 6]
    assert starts(out) == {'base/seed_0': ['0', '4'], 'wide/seed_0': ['0', '4']}
    with pytest.raises(ValueError, match='holds a run with another'):
        ablate(variants, out, seeds=[0])


def test_commands(variants, config, out):
    shared = dict(options=['train_cfg.max_iters=2'], data='images', size=64, amp=True)
    run = plan(variants, out, **shared)[1]
    folder = str(out / 'wide' / 'seed_0')
    words = ['--work-dir', folder, '--seed', '0', '--resume', '--data', 'images']
    words += ['--size', '64', '--amp']
    words += ['--cfg-options', 'train_cfg.max_iters=2', 'model.generator.width=8']
    assert run.command == (*FAKE, config, *words)


def test_values_that_cannot_be_compared(variants, out, monkeypatch):
    runs, _ = ablate(variants, out, seeds=[0])
    write_tables(runs, out)
    monkeypatch.setenv('FAKE_NUM', '16')
    runs, _ = ablate(variants, out)
    with pytest.raises(
        ValueError, match=r'num_fake differs: 8 \(base, seed 0 and wide, seed 0\), 16 '
    ):
        write_tables(runs, out)
    assert not list(out.glob('table.*'))
    # By variant, where the seeds agree.
    ablate([Variant('third', variants[0].config)], out, seeds=[0])
    runs = plan([variants[0], Variant('third', variants[0].config)], out, seeds=[0])
    with pytest.raises(ValueError, match=r'differs: 8 \(base\), 16 \(third\)'):
        write_tables(runs, out)


def test_everything_is_checked_before_the_first_run(variants, config, out):
    broken = [*variants, Variant('typo', config, ('train_cfg.max_iter=3',))]
    with pytest.raises(ValueError, match=r'variant typo: .*did you mean train_cfg.max_iters'):
        ablate(broken, out)
    with pytest.raises(FileNotFoundError, match=r'variant gone: config .*nowhere.py'):
        ablate([*variants, Variant('gone', 'nowhere.py')], out)
    with pytest.raises(ValueError, match=r'variant mute: the config measures nothing'):
        none = [f'val_{part}=None' for part in ('evaluator', 'dataloader', 'cfg')]
        ablate([*variants, Variant('mute', config, none)], out)
    for seeds in ([], [1, 1]):
        with pytest.raises(ValueError, match='seeds must be one or more different'):
            plan(variants, out, seeds=seeds)
    with pytest.raises(ValueError, match='seeds must be an integer of 0 or more, got -1'):
        plan(variants, out, seeds=[-1])
    with pytest.raises(ValueError, match="different names, got 'base' 2 times"):
        plan([*variants, Variant('Base', config)], out)
    with pytest.raises(ValueError, match="baseline must be one of base, wide, got 'x'"):
        plan(variants, out, baseline='x')
    with pytest.raises(ValueError, match='variants must be one or more'):
        plan([], out)
    assert not out.exists()


def test_names_of_configs():
    def names(*paths):
        return [variant.name for variant in name_configs(paths)]

    assert names('a/x.py', 'a/y.py') == ['x', 'y']
    assert names('a/x.py', 'b/x.py') == ['a', 'b']
    assert names('my name=a/x.py', 'a/y.py') == ['my name', 'y']
    with pytest.raises(ValueError, match=r"name of a variant must be made of .*, got 'a/x'"):
        names('a/x.py', 'a/y.py', 'b/x.py')


def test_variants_as_text():
    assert parse_variant('a: b.py x=1', 'c.py') == Variant('a', 'b.py', ('x=1',))
    quoted = parse_variant("""hard: model.difficulties="['hard', 'easy']" y=2""", 'c.py')
    assert quoted.options == ("model.difficulties=['hard', 'easy']", 'y=2')
    assert parse_variant('plain:', 'c.py').options == ()
    for text, said in {
        'x=1': "is written 'name: key=value",
        'a: "x=1': 'No closing quotation',
        'a: c.py x': 'key=value, got',
        '../a: x=1': 'must be made of letters',
    }.items():
        with pytest.raises(ValueError, match=said):
            parse_variant(text, 'c.py')
    with pytest.raises(ValueError, match="variant 'a' has no config"):
        parse_variant('a: x=1')


def test_variants_in_a_file(tmp_path):
    path = tmp_path / 'variants.yaml'
    path.write_text('- {name: a, config: b.py}\n- name: c\n  options: [x.y=None, z=1]\n')
    expected = [Variant('a', 'b.py'), Variant('c', 'd.py', ('x.y=None', 'z=1'))]
    assert read_variants(path, 'd.py') == expected
    path.write_text('[{"name": "a", "config": "b.py", "options": ["x=1"]}]')
    assert read_variants(path) == [Variant('a', 'b.py', ('x=1',))]
    path.write_text(
        '- {name: a, config: b.py, options: &all [x=1, y=2]}\n'
        '- {name: c, config: b.py, options: [*all, z=3]}'
    )
    first, second = read_variants(path)
    assert second.options == (*first.options, 'z=3')
    assert choose_variants([first, second], ['c']) == [second]
    assert choose_variants([first, second], None) == [first, second]
    with pytest.raises(ValueError, match="no variant is called 'd'; there are a, c"):
        choose_variants([first, second], ['d'])
    for text, said in {
        'a: 1': 'must hold a list',
        '- {name: a, option: [x=1]}': 'has a name, a config and a list',
        '- {name: a, options: x=1}': 'has a name, a config and a list',
        '- {name: 3, config: a.py}': 'must be made of letters',
        '{': 'neither YAML nor JSON',
    }.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=said):
            read_variants(path)
    with pytest.raises(FileNotFoundError, match='no file of variants'):
        read_variants(tmp_path / 'nowhere.yaml')
