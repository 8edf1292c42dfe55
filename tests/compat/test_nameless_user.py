import getpass
import os

import pytest

from mmfncontra.compat.nameless_user import name_user

VARIABLES = 'LOGNAME', 'USER', 'LNAME', 'USERNAME'


@pytest.fixture
def nobody(monkeypatch):
    """A user id without a name, and no variable that gives one."""
    pwd = pytest.importorskip('pwd', reason='needs user ids of POSIX')
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv('USER', '')  # restored afterwards, also where it is set meanwhile

    def unknown(uid):
        raise KeyError(f'getpwuid(): uid not found: {uid}')

    monkeypatch.setattr(pwd, 'getpwuid', unknown)


def test_a_user_id_without_a_name_gets_one(nobody):
    name_user()
    assert getpass.getuser() == f'uid{os.getuid()}'


def test_a_name_is_kept(nobody, monkeypatch):
    monkeypatch.setenv('LOGNAME', 'someone')
    name_user()
    assert getpass.getuser() == 'someone' and not os.environ['USER']
