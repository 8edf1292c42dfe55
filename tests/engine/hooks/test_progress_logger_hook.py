import io
import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mmengine.hooks import Hook

from mmfncontra.engine import stream_count
from mmfncontra.engine.hooks import progress_logger_hook
from mmfncontra.engine.hooks.progress_logger_hook import Progress, ProgressLoggerHook

LINE = re.compile(
    r'iter (\d+)/(\d+) \| epoch ([\d.]+) \| (\d+) images \| \S+ it/s \| eta \d+:\d\d:\d\d(.*)'
)


class Talk(Hook):
    """Says something through the runner's logger while the bar is up."""

    def after_train_iter(self, runner, **kwargs) -> None:
        runner.logger.info(f'message {runner.iter + 1}')


def scalars(work_dir: Path) -> list[dict]:
    (path,) = work_dir.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


def log_file(work_dir: Path) -> str:
    (path,) = work_dir.glob('*/*.log')
    return path.read_text()


def test_progress() -> None:
    progress = Progress(
        iteration=50, max_iters=1000, done_here=10, seconds=5, images=400, epochs=3.125
    )
    assert progress.speed == 2
    assert progress.eta == timedelta(seconds=475)
    assert str(progress) == 'iter 50/1000 | epoch 3.1 | 400 images | 2 it/s | eta 0:07:55'


Console = Callable[[bool], io.StringIO]


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    """Put a console, 200 columns wide if it is a terminal, in the place of stdout."""

    def install(terminal: bool) -> io.StringIO:
        stream = io.StringIO()
        stream.isatty = lambda: terminal
        monkeypatch.setattr(sys, 'stdout', stream)
        monkeypatch.setenv('COLUMNS', '200')
        return stream

    return install


def test_plain_lines(train, console: Console, tmp_path: Path) -> None:
    stdout = console(terminal=False)
    train(logger=ProgressLoggerHook(interval=2), max_iters=5)
    text = stdout.getvalue()
    found = LINE.findall(text)
    # batch 2, six images: an epoch is three iterations; the first iteration, whose losses are not
    # read, and the last one are always there
    assert [f[:4] for f in found] == [
        ('1', '5', '0.3', '2'),
        ('2', '5', '0.7', '4'),
        ('4', '5', '1.3', '8'),
        ('5', '5', '1.7', '10'),
    ]
    assert re.fullmatch(r' \| loss_disc -\S+ \| loss_gen \S+', found[1][4])
    assert '\r' not in text
    assert LINE.findall(log_file(tmp_path)) == found


def test_backends_get_all_scalars(train, console: Console, tmp_path: Path) -> None:
    console(terminal=False)
    train(logger=ProgressLoggerHook(interval=2), max_iters=4)
    records = scalars(tmp_path)
    assert [record['step'] for record in records] == [2, 4]
    assert {'loss_gen', 'loss_disc', 'loss_rec', 'lr', 'time', 'data_time'} <= set(records[0])


def test_terminal_has_one_bar(train, console: Console, tmp_path: Path) -> None:
    stdout = console(terminal=True)
    hook = ProgressLoggerHook(interval=2)
    runner = train(Talk(), logger=hook, max_iters=5)
    text = stdout.getvalue()
    assert not LINE.search(text)
    last = text.split('\r')[-1]
    assert re.search(
        r'5/5 \|.*\| .*it/s \| eta 00:00 \| disc -\S+ gen \S+ \| epoch 1\.7 \| 10 images', last
    )
    # Every message stands on a line of its own: the bar is wiped before it.
    for i in range(1, 6):
        assert re.search(rf'(^|[\r\n])(?!.*it/s)[^\r\n]*message {i}\n', text)
    # The file has the lines, and the console is given back.
    assert [f[0] for f in LINE.findall(log_file(tmp_path))] == ['1', '2', '4', '5']
    runner.logger.info('afterwards')
    assert runner.logger.handlers[0].stream is stdout
    assert stdout.getvalue().endswith('afterwards\n')


@pytest.mark.parametrize('terminal', [False, True])
def test_resume_counts_on(train, console: Console, tmp_path: Path, terminal: bool) -> None:
    stdout = console(terminal)
    train(logger=ProgressLoggerHook(interval=2), start_at=100, max_iters=104)
    iterations, images = zip(*((f[0], f[3]) for f in LINE.findall(log_file(tmp_path))), strict=True)
    assert iterations == ('101', '102', '104')
    assert images == ('202', '204', '208')
    assert ('\r104/104 |' in stdout.getvalue()) == terminal


def test_time_counts_from_this_run(
    train, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = console(terminal=False)

    class Clock:
        now = 0.0

        def perf_counter(self) -> float:
            return self.now

    clock = Clock()

    class Tick(Hook):
        priority = 'HIGH'

        def after_train_iter(self, runner, **kwargs) -> None:
            clock.now += 0.5

    monkeypatch.setattr(progress_logger_hook, 'time', clock)
    train(Tick(), logger=ProgressLoggerHook(interval=2), start_at=100, max_iters=104)
    assert '| 2 it/s | eta 0:00:01' in stdout.getvalue()


def test_other_ranks_are_silent(
    train, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = console(terminal=True)
    monkeypatch.setattr(progress_logger_hook, 'is_main_process', lambda: False)
    train(logger=ProgressLoggerHook(interval=2))
    assert 'it/s' not in stdout.getvalue()
    assert not list(tmp_path.glob('*/vis_data/scalars.json'))


def test_images_of_all_ranks(train, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = console(terminal=False)
    monkeypatch.setattr(stream_count, 'get_world_size', lambda: 3)
    train(logger=ProgressLoggerHook(interval=4))
    assert LINE.findall(stdout.getvalue())[-1][2:4] == ('4.0', '24')
