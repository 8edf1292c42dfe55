import pytest
from commands import run_python

from mmfncontra.utils.lazy_names import lazy_names


def test_names_come_from_their_modules():
    get = lazy_names('mmfncontra.utils', {'check_integers': '.checks', 'sqrt': 'math'})
    assert get('check_integers').__module__ == 'mmfncontra.utils.checks'
    assert get('sqrt')(4) == 2
    with pytest.raises(AttributeError, match=r"'mmfncontra\.utils' has no attribute 'cube'"):
        get('cube')


@pytest.mark.parametrize('package', ['mmfncontra.apis', 'mmfncontra.visualization'])
def test_all_names_of_a_package(package):
    code = (
        f'import sys, {package} as package\n'
        "heavy = {'torch', 'matplotlib', 'mmengine'} & set(sys.modules)\n"
        'assert not heavy, heavy\n'
        'for name in package.__all__:\n'
        '    value = getattr(package, name)\n'
        '    assert value.__name__ == name and getattr(package, name) is value\n'
        f'from {package} import *\n'
    )
    done = run_python('-c', code)
    assert (done.returncode, done.stderr) == (0, '')
