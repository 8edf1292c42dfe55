import errno
import os
from pathlib import Path

import pytest

from mmfncontra.utils.files import expand_home, whole_file


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / 'a.pth'
    with whole_file(path) as unfinished:
        unfinished.write_text('new')
        assert not path.exists()
    assert path.read_text() == 'new' and list(tmp_path.iterdir()) == [path]


def test_processes_that_write_the_same_file_do_not_meet(tmp_path, monkeypatch):
    path = tmp_path / 'a.npz'
    with whole_file(path) as ours:
        ours.write_text('ours')
        monkeypatch.setattr(os, 'getpid', lambda: 0)
        with whole_file(path) as theirs:
            theirs.write_text('theirs')
        assert path.read_text() == 'theirs'
    assert path.read_text() == 'ours' and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize('at', ['write', 'fsync', 'replace'])
def test_what_was_there_outlives_an_error_of_the_disk(code, at, tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    path.write_text('old')

    def fail(*args):
        raise OSError(code, os.strerror(code))

    if at != 'write':
        monkeypatch.setattr(os, at, fail)
    expected = pytest.raises(OSError, match=f'^cannot write {path}: {os.strerror(code)}$')
    with expected, whole_file(path) as unfinished:
        unfinished.write_text('half')
        if at == 'write':
            fail()
    assert path.read_text() == 'old' and list(tmp_path.iterdir()) == [path]


def test_other_errors_pass(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / 'a') as unfinished:
        unfinished.write_text('half')
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_the_home_folder(monkeypatch):
    monkeypatch.setenv('HOME', '/somewhere')
    assert expand_home('~/photos') == Path('/somewhere/photos')
    assert expand_home(Path('photos')) == Path('photos')
    assert expand_home('~no-such-user/photos') == Path('~no-such-user/photos')


def test_no_home_folder(monkeypatch):
    pwd = pytest.importorskip('pwd', reason='needs user ids of POSIX')

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.delenv('HOME', raising=False)
    monkeypatch.setattr(pwd, 'getpwuid', unknown)
    assert expand_home('~/photos') == Path('~/photos')
