import math
from pathlib import Path

import pytest
from toy_work_dir import write_run

from mmfncontra.evaluation.card import MetricCard
from mmfncontra.visualization.report.groups import group_runs
from mmfncontra.visualization.report.record import RunRecord, config_without_seed, read_run
from mmfncontra.visualization.report.tables import (
    best_card,
    best_values,
    last_card,
    metric_tables,
)


def card(iteration: int = 1, **metrics: float) -> MetricCard:
    return MetricCard(metrics, dict(images=dict(size=64)), iteration)


def record(name: str, config: str = '', *cards: MetricCard) -> RunRecord:
    return RunRecord(Path(name), name, config=config, cards={c.iteration: c for c in cards})


def seeded(seed: int, rest: str = '') -> str:
    return f'randomness = dict(seed={seed})\n{rest}'


def test_a_whole_run(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / 'run', seed=3))
    assert (run.name, run.seed, run.max_iters, run.iterations) == ('run', 3, 600, 600)
    assert list(run.samples) == [0, 200, 400, 600] and list(run.cards) == [200, 400, 600]
    assert list(run.neighbours) == [400] and len(run.scalars) == 30 and not run.notes


def test_a_config_is_not_executed(tmp_path: Path) -> None:
    run = write_run(tmp_path / 'run')
    (run / 'config.py').write_text('import os\nos._exit(1)\n')
    assert read_run(run).max_iters is None


def test_seed_that_the_config_leaves_open_is_in_the_log(tmp_path: Path) -> None:
    run = write_run(tmp_path / 'run', seed=5)
    (run / 'config.py').write_text('randomness = dict(seed=None)')
    assert read_run(run).seed == 5


@pytest.mark.parametrize(
    ('other', 'same'),
    [
        (seeded(1, "x = dict(seed=0)\nwork_dir = 'b'"), True),
        (seeded(1, "x=dict( seed = 0 )\nwork_dir = 'b'\nresume = True"), True),
        (seeded(1, "x = dict(seed=1)\nwork_dir = 'b'"), False),  # of the data
        (seeded(0, "x = dict(seed=0, y=1)\nwork_dir = 'a'"), False),
        ('no python (', False),
    ],
)
def test_configs_that_differ_in_the_seed_alone(other: str, same: bool) -> None:
    one = seeded(0, "x = dict(seed=0)\nwork_dir = 'a'")
    assert (config_without_seed(one) == config_without_seed(other)) is same


def test_groups() -> None:
    runs = [
        record('shells/seed0', seeded(0)),
        record('shells/seed1', seeded(1)),
        record('hats', seeded(0, 'x = 1')),
        record('lone'),
        record('lone too'),
        record('twice', seeded(0, 'x = 2')),
        record('again', seeded(0, 'x = 2')),
    ]
    assert {
        label: [run.name for run in members] for label, members in group_runs(runs).items()
    } == {
        'shells (2 seeds)': ['shells/seed0', 'shells/seed1'],
        'hats': ['hats'],
        'lone': ['lone'],
        'lone too': ['lone too'],
        'twice (2 runs)': ['twice', 'again'],
    }


def test_last_and_best_card() -> None:
    cards = {1: card(1, swd=3.0), 2: card(2, swd=1.0), 3: card(3, swd=math.nan, copy_rate=0.0)}
    assert last_card(cards).iteration == 3 and best_card(cards).iteration == 2
    assert best_values(cards) == {'swd': ('1', 2)}
    assert last_card({}) is None and best_card({1: card(1, precision=1.0)}) is None
    # FID decides where there is one, and only among the cards that have it.
    cards[1].metrics['fid'] = 9.0
    assert best_card(cards).iteration == 1


def test_best_by_a_network_that_the_training_did_not_see() -> None:
    cards = {1: card(1, swd=3.0, fd_lite2=5.0), 2: card(2, swd=1.0, fd_lite2=9.0)}
    assert best_card(cards).iteration == 1
    assert best_values(cards) == {'fd_lite2': ('5', 1), 'swd': ('1', 2)}
    for each in cards.values():
        each.depends['FeatureMetrics lite2'] = dict(extractor='l', seen_in_training=['fd_lite2'])
    assert best_card(cards).iteration == 2 and list(best_values(cards)) == ['swd']
    (table,) = metric_tables([record('a', '', *cards.values())], {})
    assert table.rows['fd_lite2'] == ['9 †']
    assert table.notes[0].startswith('† last, also best by swd was trained with l, by which fd_')


def test_one_run_has_one_table() -> None:
    (table,) = metric_tables([record('a', '', card(1, swd=1.0), card(2, swd=2.0))], {})
    assert table.columns == ['last', 'best by swd']
    assert table.rows == {'iteration': ['2', '1'], 'swd': ['2', '1']}
    (table,) = metric_tables([record('a', '', card(1, swd=1.0))], {})
    assert table.columns == ['last, also best by swd']
    assert metric_tables([record('a')], {}) == []


def test_mean_over_those_that_have_a_value() -> None:
    runs = [
        record('a', seeded(0), card(2, swd=1.0, fid=5.0)),
        record('b', seeded(1), card(2, swd=2.0, fid=math.nan)),
        record('c', seeded(2), card(2, swd=6.0, fid=7.0, precision=0.5)),
    ]
    last, best = metric_tables(runs, group_runs(runs))
    assert last.columns[-1].endswith('(3 seeds): mean ± std')
    assert last.rows['swd'] == ['1', '2', '6', '3 ± 2.6']
    assert last.rows['fid'] == ['5', 'nan', '7', '6 ± 1.4 (of 2)']
    assert last.rows['precision'] == ['–', '–', '0.5', '–']
    assert best.title == 'Best values of each run, by fid or swd'
