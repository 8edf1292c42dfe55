import os
from pathlib import Path

import pytest
from toolchain import CannotBuild, build

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='session')
def stand_in(tmp_path_factory):
    """Environment of a child on the stand-in; tests are skipped where it cannot be built."""
    try:
        variables = build(tmp_path_factory.mktemp('cuda_stand_in'))
    except CannotBuild as reason:
        pytest.skip(str(reason))
    paths = [str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]
    # One thread: kernels do nothing, and another test runs beside this one.
    own = dict(PYTHONPATH=os.pathsep.join(paths), OMP_NUM_THREADS='1')
    return {**os.environ, **variables, **own}
