"""A study apart from its folders."""

import json

import pytest
from toy_study import toy_study

from mmfncontra.apis.ablation.results import compare_study
from mmfncontra.apis.ablation.run import AblationRun
from mmfncontra.apis.ablation.study import gather_study
from mmfncontra.apis.ablation.variants import Variant


def write_run(folder, variant='base', seed=0, finished=True):
    """A run as tools/ablate.py leaves it on another machine."""
    work_dir = folder / variant / f'seed_{seed}'
    (work_dir / 'metrics').mkdir(parents=True)
    command = ['/env/bin/python3', '/home/me/repo/tools/train.py', '/home/me/repo/configs/a.py']
    command += ['--work-dir', f'/scratch/{folder.name}/{variant}/seed_{seed}', '--seed', str(seed)]
    command += ['--data', '/data/my hats', '--cfg-options', 'load_from=/weights/b.pth']
    record = dict(
        command=command,
        variant='/home/me/repo/configs/a.py load_from=/weights/b.pth',
        max_iters=200,
        config_hash='abc',
        finished=finished,
    )
    (work_dir / 'ablation_run.json').write_text(json.dumps(record))
    card = dict(
        metrics=dict(swd=1.0 + seed),
        depends=dict(images=dict(num_fake=8), run=dict(checkpoint='/weights/b.pth')),
        iteration=100,
        curves=dict(frequency=[0.0, 0.5]),
    )
    (work_dir / 'metrics' / 'iter_000100.json').write_text(json.dumps(card))
    return AblationRun(Variant(variant, 'configs/a.py'), seed, work_dir, ())


def test_nothing_of_the_machine_is_in_it(tmp_path):
    runs = [write_run(tmp_path, seed=seed, finished=seed < 2) for seed in range(3)]
    study = gather_study(runs)
    assert study.title == tmp_path.name and study.baseline == 'base'
    assert study.variants == dict(base='configs/a.py load_from=b.pth')
    assert study.unfinished == ['base, seed 2'] and [run.seed for run in study.runs] == [0, 1]
    card = study.runs[1].cards[100]
    assert card.metrics == dict(swd=2.0) and card.curves == {}
    assert card.depends['run'] == dict(checkpoint='b.pth')
    assert study.runs[1].command == (
        f'python tools/train.py configs/a.py --work-dir {tmp_path.name}/base/seed_1 --seed 1 '
        "--data 'my hats' --cfg-options load_from=b.pth"
    )


def test_nothing_is_finished(tmp_path):
    with pytest.raises(ValueError, match=r'there is nothing to compare: no run in .* is finished'):
        gather_study([write_run(tmp_path, finished=False)])


def test_values_at_an_iteration():
    study = toy_study()
    early = compare_study(study.at(100))
    assert early.rows['base']['swd'].mean == pytest.approx(4 + 1.5 / 7 - 0.1)
    assert 'Values at iteration 100.' in early.notes
    assert 'Values at iteration 200.' in compare_study(study).notes
    del study.runs[1].cards[100]
    table = compare_study(study.at(100))
    assert table.rows['base']['swd'].n == 3
    assert 'No values at iteration 100, left out: base, seed 1.' in table.notes
    for run in study.runs[4:]:
        del run.cards[100]
    assert list(study.variants) == ['base', 'better'] and list(study.at(100).variants) == ['base']
    with pytest.raises(ValueError, match=r'with metric cards \(100, 200\), got 7'):
        study.at(7)


def test_some_variants():
    study = toy_study()
    better = study.only(['better'])
    assert better.baseline == 'better' and list(better.variants) == ['better']
    assert {run.variant for run in better.runs} == {'better'}
    assert better.unfinished == ['better, seed 4'] and not study.only(['base']).unfinished
    assert compare_study(better).rows['better'] == compare_study(study, 'better').rows['better']
    with pytest.raises(ValueError, match="no variant is called 'bettr'; did you mean better"):
        study.only(['bettr'])
    del study.runs[4:]
    with pytest.raises(ValueError, match='nothing to show: no run of better is finished'):
        study.only(['better'])


def test_curves():
    study = toy_study()
    curves = study.curves('swd')
    assert list(curves) == ['base', 'better'] and list(curves['base']) == [0, 1, 2, 3]
    assert curves['base'][0] == [(100, pytest.approx(3.9)), (200, pytest.approx(3.8))]
    assert [x for x, _ in study.curves('swd', 'seconds')['better'][2]] == [120, 240]
    assert [x for x, _ in study.curves('swd', 'images')['better'][2]] == [800, 1600]
    with pytest.raises(ValueError, match="curve must be one of swd, fd_lite0, kid_lite2, got 'x'"):
        study.curves('x')
    for run in study.runs:
        for card in run.cards.values():
            del card.depends['run']['train_seconds']
    with pytest.raises(ValueError, match='no card of toy tells train_seconds'):
        study.curves('swd', 'seconds')
