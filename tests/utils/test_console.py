import io
import logging

from mmfncontra.utils.console import note, quiet_console


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
