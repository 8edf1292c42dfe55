import sys

import pytest
from commands import ROOT, run_python

sys.path.insert(0, str(ROOT / 'benchmarks'))


@pytest.fixture
def command(tmp_path):
    """Run a command of benchmarks/ from another folder."""

    def run(script, *arguments, **env):
        return run_python(ROOT / 'benchmarks' / script, *arguments, cwd=tmp_path, **env)

    return run
