import io
import logging
import os
import shlex
import subprocess
import sys

import pytest

from mmfncontra.utils.console import (
    escape_unprintable,
    flush_streams,
    note,
    quiet_console,
    shell_line,
    shown_name,
    warn,
)


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


@pytest.mark.parametrize('encoding', ['ascii', 'cp1252', 'latin-1', 'utf-8', 'cp932'])
def test_any_text_can_be_printed(monkeypatch, encoding):
    for name in ('stdout', 'stderr'):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors='strict')
        monkeypatch.setattr(sys, name, stream)
    escape_unprintable()
    note('64×64 … → ü \udce9')
    written = sys.stdout.buffer.getvalue().decode(encoding)
    assert written.startswith('64') and written.endswith('\\udce9\n')


def test_a_missing_stream_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', None)
    escape_unprintable()
    note('unheard')
    flush_streams()


def test_a_reader_that_left_is_no_error(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, 'w', encoding='utf-8')
    monkeypatch.setattr(sys, 'stdout', stream)
    note('one')
    note('two')
    print('three', file=stream)
    flush_streams()
    stream.close()


def test_control_characters_are_shown_not_done(capsys):
    note('a\x1b[2Jb\u202ec\td\ne')
    warn('a\nb')
    shown = capsys.readouterr()
    assert shown.out == 'a\\x1b[2Jb\\u202ec\td\ne\n' and shown.err == 'warning: a b\n'


def test_names_are_one_line():
    assert shown_name('café.png') == 'café.png'
    assert shown_name('a\nb\udce9') == r"'a\nb\udce9'"


@pytest.mark.parametrize('word', ['plain', 'a b', "it's", 'a\nb', 'caf\udce9f', "\\'\x01é", ''])
@pytest.mark.parametrize('encoding', ['utf-8', 'ascii'])
def test_lines_can_be_pasted_into_a_shell(monkeypatch, word, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, 'stdout', stream)
    line = shell_line('printf', '%s', word)
    line.encode(encoding)
    assert '\n' not in line
    shown = subprocess.run(['bash', '-c', line], capture_output=True, check=True)
    assert shown.stdout == os.fsencode(word)
    if word.isascii() and word.isprintable():
        assert shlex.split(line)[2] == word
