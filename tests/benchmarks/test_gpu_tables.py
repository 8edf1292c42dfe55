"""Figures of a run, written into a page."""

import json
import sys

import gpu_tables
import pytest
from acceptance.goals import goals, latest

PAGE = f'before\n{gpu_tables.START}\nNone yet.\n{gpu_tables.END}\n\nafter\n'
STEP = dict(check='steps-256-8', size=256, batch=8)
MACHINE = dict(
    check='environment', device='NVIDIA H100', torch='2.11.0', cuda='13.0', cudnn=1, python='3.12'
)
LINES = [
    dict(check='run', date='2026-12-01'),
    dict(**MACHINE, cpus=16),
    dict(check='environment', copy_tb_s=3.0, float32=400.0, bfloat16=790.0),
    dict(check='agreement', part='a', errors=dict(x=1e-5, y=2e-6), fine=True),
    dict(**STEP, mode='eager', family='fastgan', ms=40.0, least_ms=39.0, img_s=200.0),
    dict(**STEP, mode='eager', family='fncontra', ms=60.0, least_ms=59.0, img_s=133.0),
    dict(**STEP, mode='eager', fncontra_over_fastgan=1.5),
    dict(**STEP, mode='graphs', family='fastgan', ms=20.0, least_ms=19.0, of_floor=0.25),
    dict(**STEP, mode='graphs', family='fncontra', ms=24.0, least_ms=23.0, peak_mib=4038),
    dict(**STEP, mode='graphs', family='fncontra', kernels=6710, busy_ms=21.5),
    dict(check='steps-1024-8', size=1024, batch=8, mode='eager', skipped='3 s were left'),
    dict(check='steps-256-64-projected', families=['a'], skipped='not installed: timm'),
    dict(check='quality', family='projected', lasting=55.0, iterations=900, grid='a.png', swd=0.21),
    dict(check='photographs', family='projected-fncontra', lasting=90.0, iterations=300)
    | dict(photographs='hats', grid='b.png', fd_lite2=123.4, recall_lite2=0.125),
    dict(check='lazy', step='path_length', ms=70.5),
    dict(check='lazy', step='path_length', kernels=7136),
    dict(check='resume', kind='graphs', differ=2, tensors=600, largest_difference=1e-6),
    dict(check='tests', test='tests.a::test_b', fine=False, error='assert\n1 == 2'),
    dict(check='sampling', images=5000, seconds_with_metrics=41.5, one_by_one_over_batches=4.0),
    dict(check='tests', ended='done', seconds=3.0),
]


@pytest.fixture
def write(tmp_path, monkeypatch, capsys):
    """Write lines into a file, and its figures into a page; returns exit code, page and errors."""
    page = tmp_path / 'page.md'
    page.write_text(PAGE)

    def run(lines, text=None):
        file = tmp_path / 'results.jsonl'
        file.write_text(
            ''.join(json.dumps(dict(at=0, **x)) + '\n' for x in lines) if text is None else text
        )
        monkeypatch.setattr(sys, 'argv', ['x', str(file), '--page', str(page)])
        code = 0
        try:
            gpu_tables.main()
        except SystemExit as left:
            code = left.code
        return code, page.read_text(), capsys.readouterr().err

    return run


def test_figures_stand_between_the_marks(write):
    code, page, _ = write(LINES)
    assert code == 0 and page.startswith('before\n') and page.endswith('\n\nafter\n')
    assert 'None yet.' not in page
    assert '### NVIDIA H100, 2026-12-01' in page and '[results.jsonl](results.jsonl)' in page
    assert '| eager | with FNContra | 60 (59) | 1.5 | 133 |' in page
    assert '| graphs | with FNContra | 24 (23) |  |  |  |  | 6,710 | 21.5 | 4,038 |  |' in page
    assert '| graphs | FastGAN | 20 (19) |  |  |  |  |  |  |  | 25% |' in page
    assert '| eager / graphs, 256 px, batch 8 | at least 2.5 | 2.5 | met |' in page
    assert '| FNContra / FastGAN, graphs, 256 px, batch 8 | at most 1.1 | 1.2 | not met |' in page
    assert '| path length | 70.5 | 7,136 |' in page
    assert '* Agreement with the CPU in float32: 1 parts, largest relative error 1e-05.' in page
    assert '* Left and resumed, graphs: 2 of 600 tensors differ, at most by 1e-06.' in page
    assert '* Not fine: tests, tests.a::test_b: assert 1 == 2' in page
    assert '* Not measured: steps-1024-8, eager: 3 s were left.' in page
    assert '* Not measured: steps-256-64-projected: not installed: timm.' in page
    shells, hats = (x for x in page.splitlines() if '| projected' in x)
    assert shells.startswith('| drawn shells, 64 px | projected FastGAN-lite | 55 | 900 | 0.21 |')
    assert hats.startswith('| hats | projected, with FNContra | 90 | 300 |  |')
    assert '| 123 |  |  | 0.125 |' in hats
    assert '5000 samples of 256 px with FID, KID, precision and recall: 41.5 s' in page


def test_written_twice_they_are_the_same(write):
    assert write(LINES)[1] == write(LINES)[1]


@pytest.mark.parametrize(
    ('lines', 'text', 'said'),
    [
        ([*LINES[:3], dict(**LINES[3], dry_run=True)], None, 'is of a dry run'),
        ([], None, 'has no lines'),
        (LINES[3:], None, 'does not say what it was measured on'),
        ([], 'no json\n', 'cannot be read as results'),
    ],
)
def test_what_is_no_evidence_is_refused(write, lines, text, said):
    code, page, error = write(lines, text)
    assert code == 2 and said in error and error.count('\n') == 1 and page == PAGE


def test_a_page_without_marks_is_refused(write, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_tables, 'START', '<!-- other -->')
    code, page, error = write(LINES)
    assert code == 2 and 'has no place for figures' in error and page == PAGE


def test_the_page_of_the_repository_has_a_place_for_them():
    text = (gpu_tables.ROOT / 'docs' / 'benchmarks.md').read_text()
    assert (
        text.count(gpu_tables.START) == 1 and gpu_tables.END in text.partition(gpu_tables.START)[2]
    )


def test_later_runs_count_check_by_check():
    again = [
        dict(check='run', date='2026-12-02'),
        dict(check='resume', kind='graphs', differ=0),
        # No time was left for these: what was found before stays.
        dict(check='sampling', ended='not begun', fine=False),
        dict(check='compile', ended='not begun', fine=False),
    ]
    lines = latest([*LINES, *again])
    assert [x['differ'] for x in lines if x['check'] == 'resume'] == [0]
    assert sum(x['check'] == 'steps-256-8' for x in lines) == 6
    assert [x['date'] for x in lines if 'date' in x] == ['2026-12-02']
    assert [x.get('seconds_with_metrics') for x in lines if x['check'] == 'sampling'] == [41.5]
    assert [x['ended'] for x in lines if x['check'] == 'compile'] == ['not begun']


def test_goals_take_the_published_step_where_there_is_one():
    published = dict(**STEP, mode='published', family='fncontra', ms=96.0)
    found = {goal.name.split()[0]: goal for goal in goals([*LINES, published])}
    assert found['published'].value == pytest.approx(4.0) and found['published'].met
    assert found['5,000'].value == 41.5 and found['5,000'].met
    assert {goal.name.split()[0]: goal.value for goal in goals(LINES)}['published'] is None
