import io
import sys
import types

import pytest

from mmfncontra.apis.ablation import progress
from mmfncontra.apis.ablation.progress import StudyProgress, read_progress

LINE = '11/28 12:30:06 - mmengine - INFO - iter {}/2000 | epoch 32.2 | 2.46 it/s | eta {} | r_t 0.4'


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        (LINE.format(600, '0:09:30'), (600, '0:09:30')),
        (LINE.format(1, '2 days, 1:00:00'), (1, '2 days, 1:00:00')),
        ('INFO - Iter(train) [  2/400]  lr: 1e-3  eta: 0:01:02  time: 0.1', (2, '0:01:02')),
        ('INFO - iter 7/9', (7, '')),
        ('INFO - Iter(val) [10/10]  swd: 3.0', None),
        ('', None),
    ],
)
def test_lines_of_progress(line, expected, tmp_path):
    log = tmp_path / 'ablate.log'
    log.write_text(f'loading\n{line}\n')
    assert read_progress(log) == expected


def test_the_latest_line_of_this_start_counts(tmp_path):
    log = tmp_path / 'ablate.log'
    old = f'{LINE.format(50, "0:30:00")}\n'
    log.write_text(old)
    assert read_progress(log, len(old)) is None
    more = ''.join(f'{LINE.format(n, "0:20:00")}\n' for n in range(100, 1000, 50))
    log.write_text(old + more + 'x' * 9000 + '\n')
    assert read_progress(log, len(old)) == (950, '0:20:00')


class Terminal(io.StringIO):
    def isatty(self):
        return True


def fake_training(tmp_path, name, text=''):
    log = tmp_path / f'{name}.log'
    log.write_text(text)
    return types.SimpleNamespace(run=types.SimpleNamespace(name=name), log=log, log_start=0)


def test_the_view_in_a_terminal(tmp_path, monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    monkeypatch.setattr(progress, '_INTERVAL', 0)
    resumed = fake_training(tmp_path, 'a, seed 0', LINE.format(1000, '0:09:30'))
    with StudyProgress([2000, 2000, 2000]) as view:
        view.pass_over(2000)
        view.start(0, resumed, 2000)
        view.start(1, fake_training(tmp_path, 'b, seed 0'), 2000)
        view.update()
        shown = terminal.getvalue()
        assert 'a, seed 0: 1000/2000 |' in shown and '| eta 0:09:30' in shown
        assert 'b, seed 0: 0/2000 |' in shown and '| starts' in shown
        # What was done before takes no part in the time that is left.
        assert (view._all.n, view._all.initial) == (3000, 3000)
        resumed.log.write_text(LINE.format(1500, '0:05:00'))
        view.update()
        assert (view._all.n, view._all.initial) == (3500, 3000)
        view.say('above')
        view.end(0)
        assert '2 of 3 runs |' in terminal.getvalue()
        assert (view._all.n, view._all.initial) == (4000, 3500)
    assert capsys.readouterr().out == 'above\n'


def test_elsewhere_messages_are_all(tmp_path, capsys):
    with StudyProgress([2000]) as view:
        view.start(0, fake_training(tmp_path, 'a', LINE.format(1, '0:01:00')), 2000)
        view.update()
        view.say('a: starts')
        view.end(0)
    assert capsys.readouterr() == ('a: starts\n', '')
