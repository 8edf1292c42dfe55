import pytest

from mmfncontra.compat.mmcv_ops import MissingOps
from mmfncontra.compat.versions import check_version
from mmfncontra.launch.command import run_command, user_error


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
        run_command(lambda: None)
    assert left.value.code == 0
