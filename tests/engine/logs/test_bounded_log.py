import logging
import re
import sys

import pytest
from mmengine.logging import MMLogger

from mmfncontra.engine.logs.bounded_log import BoundedLogFile, bound_log_files

SIZE, HEAD = 4000, 600


@pytest.fixture
def logger(tmp_path):
    logger = MMLogger('bounded', log_file=str(tmp_path / 'run.log'), file_mode='a')
    console = next(h for h in logger.handlers if not isinstance(h, logging.FileHandler))
    console.setLevel(logging.CRITICAL)
    yield bound_log_files(logger, SIZE, HEAD)
    for handler in logger.handlers:
        handler.close()


def test_is_mmengines_log_until_it_is_full(logger, tmp_path):
    plain = MMLogger('plain', log_file=str(tmp_path / 'plain.log'), file_mode='a')
    for each in (logger, plain):
        each.handlers[0].setLevel(logging.CRITICAL)  # the console
        each.info('a line with an ä')
        each.warning('several\nlines')
        each.debug('not of this level')
    own, other = ((tmp_path / f'{name}.log').read_text('utf-8') for name in ('run', 'plain'))
    stamp = r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d'
    assert re.sub(stamp, '', own) == re.sub(stamp, '', other) and 'several\nlines' in own
    assert not (tmp_path / 'run.log.1').exists()
    plain.handlers[-1].close()


def test_is_bounded_and_keeps_its_head_and_its_end(logger, tmp_path):
    for i in range(500):
        logger.info(f'{"head" if i < 5 else "line"} {i}')
        sizes = [path.stat().st_size for path in tmp_path.iterdir()]
        assert len(sizes) <= 2 and max(sizes) <= SIZE
    lines = (tmp_path / 'run.log').read_text().splitlines()
    assert [line.rpartition(' - ')[2] for line in lines[:5]] == [f'head {i}' for i in range(5)]
    assert f'... (older lines: {tmp_path / "run.log"}.1)' in lines
    assert sum(line.startswith('...') for line in lines) < 10
    # The file and its backup hold the latest lines, without a gap.
    latest = [*(tmp_path / 'run.log.1').read_text().splitlines(), *lines]
    numbers = [int(line.split()[-1]) for line in latest if ' - line ' in line]
    assert set(range(430, 500)) <= set(numbers)


def test_a_file_is_replaced_once_and_the_console_stays(logger):
    console, file = logger.handlers
    assert type(file) is BoundedLogFile and console.stream is sys.stdout
    assert bound_log_files(logger, SIZE, HEAD).handlers == [console, file]


@pytest.mark.parametrize(
    ('sizes', 'said'),
    [
        ((0, 1), 'max_bytes must be a positive integer, got 0'),
        ((100, 51), r'head_bytes must be at most half of max_bytes \(100\), got 51'),
    ],
)
def test_refuses_other_sizes(tmp_path, sizes, said):
    with pytest.raises(ValueError, match=said):
        BoundedLogFile(str(tmp_path / 'a.log'), *sizes)
    assert not (tmp_path / 'a.log').exists()
