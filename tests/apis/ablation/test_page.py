"""The page of a study, from folders that look like those of its runs."""

import io
import json
import shutil

import pytest
from html_page import Page, decode
from matplotlib.figure import Figure
from PIL import Image
from toy_work_dir import write_run

from mmfncontra.apis.ablation import page_curves
from mmfncontra.apis.ablation.page import write_study_page
from mmfncontra.apis.ablation.results import write_tables
from mmfncontra.apis.ablation.run import AblationRun
from mmfncontra.apis.ablation.variants import Variant
from mmfncontra.visualization.report.record import read_run

EVIL = '<img src=x onerror=alert(1)>'


def make_run(study, name, seed, options=()):
    folder = study / name / f'seed_{seed}'
    command = ('/usr/bin/python3', 'tools/train.py', 'a.py', '--seed', str(seed))
    return AblationRun(Variant(name, 'a.py', options), seed, folder, command)


def record(run, **state):
    settings = dict(variant=run.variant.describe(), command=run.command, config_hash='0')
    run.write_record(seed=run.seed, **settings, **state)


def finish(run, better=0.0, seconds=True):
    """The run with its metrics and seconds, its record as training writes it."""
    write_run(run.work_dir, run.seed, iterations=(0, 600))
    for path in run.work_dir.glob('metrics/*.json'):
        card = json.loads(path.read_text())
        card['metrics']['swd'] -= better + run.seed / 7 * (better > 0)
        card['metrics']['diversity'] = 3.0
        if seconds:
            card['depends']['run']['train_seconds'] = card['iteration'] / 2 + run.seed
        path.write_text(json.dumps(card))
    record(run, max_iters=600, finished=True)


def write(runs, study):
    return Page(write_study_page(runs, write_tables(runs, study), study))


@pytest.fixture(scope='module')
def study(tmp_path_factory):
    """Three seeds of two variants; of a third one run is finished, one failed, one is to come."""
    study = tmp_path_factory.mktemp('studies') / 'my study'
    runs = [make_run(study, name, seed) for seed in range(3) for name in ('base', 'with views')]
    runs += [make_run(study, 'odd', seed, (f'x="{EVIL}"',)) for seed in range(3)]
    for run in runs[:-2]:
        finish(run, better=3.0 * (run.variant.name == 'with views'))
    shutil.copytree(runs[0].work_dir, runs[-2].work_dir)
    record(runs[-2], max_iters=900, finished=False, failure=f'exit code 2: {EVIL}')
    (runs[0].work_dir / 'report.html').touch()
    return runs, study


@pytest.fixture(scope='module')
def page(study):
    return write(*study)


def test_values_with_differences_intervals_and_p(page):
    cells = page.text.partition('metric base ')[2].partition('Mean ±')[0]
    assert cells.startswith('baseline, seeds: 3 with views seeds: 3 odd seeds: 1 swd ↓ 21.0 ± 1.0 ')
    # Differences -3, -3 - 1/7 and -3 - 2/7.
    assert '17.86 ± 0.86 (▲ -3.1 [-3.5, -2.8], p < 0.001)' in cells
    significant = [cell for cell in page.all('td') if cell.get('class') == 'significant']
    assert len(significant) == 1
    assert '95 % confidence interval' in page.text and 'Values at iteration 600.' in page.text


def test_curves_over_iterations_and_seconds(page):
    alts = {i['alt'].partition('. ')[0]: i['alt'] for i in page.all('img')}
    for x in ('iterations', 'seconds'):
        found = alts[f'swd ↓ over {x}, a line for each variant']
        assert found.endswith('Means of the last values: base 21; with views 17.9; odd 20.')
        assert f'copy_rate ↓ over {x}, a line for each variant' in alts
    # To be unfolded.
    assert 'diversity ↑ over iterations, a line for each variant' in alts
    assert (
        'r_t in training, means of 24 iterations over iterations, a line for each variant' in alts
    )


def test_points_of_curves(study, monkeypatch):
    drawn = {}

    def draw(values, label_x, label_y, size):
        drawn[label_y, label_x] = values
        return Figure()

    monkeypatch.setattr(page_curves, 'plot_study_curves', draw)
    runs = [run for run in study[0] if run.state == 'finished']
    records = {run: read_run(run.work_dir) for run in runs}
    page_curves.draw_curves(records, write_tables(study[0], study[1]))
    own = drawn['swd', 'iteration']
    assert own['base'][1] == [(200, 31), (400, 11), (600, 21)] and list(own['odd']) == [0]
    # Half a second an iteration, and of seeds 0, 1 and 2 as many more.
    own = drawn['swd', 'seconds of training steps']
    assert own['base'][1] == [(101, 31), (201, 11), (301, 21)]
    assert own['odd'][0] == [(100, 30), (200, 10), (300, 20)]
    # Logged at 20, 40, … as iteration / 600, in windows of 24: the first has one value.
    windows = drawn['r_t', 'iteration']['base'][0]
    assert len(windows) == 25 and windows[0] == (24, pytest.approx(20 / 600))
    assert windows[-1] == (600, pytest.approx((580 + 600) / 2 / 600))


def test_samples_stand_at_equal_seeds(page):
    pictures = [i for i in page.all('img') if i['alt'].startswith('Samples')]
    names = [f'{name}, seed {seed}' for name in ('base', 'with views') for seed in range(3)]
    names += ['odd, seed 0', 'odd, seed 1']
    assert [i['alt'] for i in pictures] == [f'Samples of {n} at iteration 600' for n in names]
    assert {i['loading'] for i in pictures} == {'lazy'}
    assert 'iteration 600, failed no samples' in page.text
    Image.open(io.BytesIO(decode(pictures[0]['src']))).load()


def test_states_reasons_and_commands(page):
    assert 'runs finished 7 of 9' in page.text
    assert f'odd, seed 1: failed: exit code 2: {EVIL} odd, seed 2: not started' in page.text
    assert f'odd, seed 1 failed: exit code 2: {EVIL} 600 of 900' in page.text
    assert '# base, seed 2 python tools/train.py a.py --seed 2' in page.text
    assert f'odd a.py x="{EVIL}"' in page.text
    assert "mmfncontra report '" in page.text  # the folder has a space
    links = [link['href'] for link in page.all('a') if not link['href'].startswith('#')]
    assert links == ['base/seed_0/report.html']
    # Of a run of each variant.
    assert 'images.num_fake 64 64 64 images.size' in page.text


def test_nothing_comes_from_elsewhere(page):
    assert EVIL not in page.source and not page.all('script')
    (policy,) = (m['content'] for m in page.all('meta') if 'http-equiv' in m)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert all(picture['src'].startswith('data:image/') for picture in page.all('img'))
    ids = {attributes['id'] for _, attributes in page.elements if 'id' in attributes}
    assert {a['href'][1:] for a in page.all('a') if a['href'].startswith('#')} <= ids


def test_values_that_a_training_saw_are_marked(tmp_path):
    runs = [make_run(tmp_path, name, 0) for name in ('base', 'seeing')]
    for run in runs:
        finish(run, seconds=False)
        (run.work_dir / 'samples' / 'iter_000600.png').write_bytes(b'')
    for path in runs[1].work_dir.glob('metrics/*.json'):
        card = json.loads(path.read_text())
        card['depends']['lite0'] = dict(extractor='efficientnet_lite0', seen_in_training=['swd'])
        path.write_text(json.dumps(card))
    page = write(runs, tmp_path)
    assert 'swd ↓ 20 20 †' in page.text and '† seeing was trained with' in page.text
    (swd,) = (i['alt'] for i in page.all('img') if i['alt'].startswith('swd'))
    assert swd.endswith('base 20; seeing † 20.')
    assert 'The metric cards do not tell how long the training took.' in page.text
    # Pictures that are broken.
    assert 'No samples were written.' in page.text


def test_without_a_finished_run_there_is_no_page(study, tmp_path):
    (tmp_path / 'study.html').touch()
    table = write_tables(study[0], study[1])
    assert write_study_page([make_run(tmp_path, 'base', 0)], table, tmp_path) is None
    assert not (tmp_path / 'study.html').exists()
