import io
import logging

import pytest

from mmfncontra.compat.mmcv_ops import MissingOps
from mmfncontra.compat.versions import check_version
from mmfncontra.utils import console
from mmfncontra.utils.console import note, quiet_console, run_command, user_error


def _logger(tmp_path):
    stream = io.StringIO()
    logger = logging.Logger('test')
    logger.addHandler(logging.StreamHandler(stream))
    logger.addHandler(logging.FileHandler(tmp_path / 'log'))
    return logger, stream


def test_long_messages_go_to_the_file_only(tmp_path):
    logger, stream = _logger(tmp_path)
    quiet_console(quiet_console(logger))
    assert len(logger.handlers[0].filters) == 1
    logger.info('Config:\na = 1\nb = 2')
    logger.info('Distributed training is not used, all SyncBatchNorm (SyncBN) layers …')
    logger.info('iter 1/2')
    logger.warning('two\nlines')
    assert stream.getvalue() == 'iter 1/2\ntwo\nlines\n'
    written = (tmp_path / 'log').read_text()
    assert 'b = 2' in written and 'SyncBatchNorm' in written and 'iter 1/2' in written


def test_a_note_is_printed_by_one_rank(monkeypatch, capsys):
    monkeypatch.delenv('RANK', raising=False)
    note('one')
    monkeypatch.setenv('RANK', '1')
    note('two')
    monkeypatch.setenv('RANK', '0')
    note('three')
    assert capsys.readouterr().out == 'one\nthree\n'


def test_our_errors_are_one_line_and_code_2(capsys):
    with pytest.raises(SystemExit) as left:
        run_command(lambda: check_version('no-such-package', '>=1'))
    assert left.value.code == 2
    assert capsys.readouterr().err == (
        'error: mmfncontra needs no-such-package>=1, but it is not installed: '
        "pip install 'no-such-package>=1', or set everything up with: make install\n"
    )


def test_an_error_that_wraps_ours_is_ours():
    def wrap():
        try:
            check_version('no-such-package', '>=1')
        except ImportError as error:
            raise ImportError('Failed to import mmfncontra.models.gans') from error

    with pytest.raises(ImportError) as raised:
        wrap()
    assert 'no-such-package' in user_error(raised.value)


@pytest.mark.parametrize('fault', [lambda: int('x'), lambda: {}['x'], lambda: MissingOps().nms()])
def test_other_errors_keep_their_traceback(fault):
    with pytest.raises((ValueError, KeyError, NotImplementedError)) as raised:
        run_command(fault)
    assert user_error(raised.value) is None


def test_a_fault_after_our_error_keeps_its_traceback():
    def fault():
        try:
            check_version('no-such-package', '>=1')
        except ImportError:
            {}['x']

    with pytest.raises(KeyError):
        run_command(fault)


def test_success_is_code_0():
    with pytest.raises(SystemExit) as left:
        console.run_command(lambda: None)
    assert left.value.code == 0
