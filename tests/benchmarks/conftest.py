import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'benchmarks'))


@pytest.fixture
def command(tmp_path):
    """Run a command of benchmarks/ from another folder."""

    def run(script, *arguments, **env):
        return subprocess.run(
            [sys.executable, str(ROOT / 'benchmarks' / script), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, 'OMP_NUM_THREADS': '1', **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
