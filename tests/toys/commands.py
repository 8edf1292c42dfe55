"""The programs of this repository: started in a process of their own, or as modules."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs'


def run(
    *command: Any, cwd: Path | None = None, timeout: float = 600, **env: str
) -> subprocess.CompletedProcess:
    """Run a command to its end, on one thread; what it says is kept as text."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '1', **env},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def run_python(*arguments: Any, **settings: Any) -> subprocess.CompletedProcess:
    return run(sys.executable, *arguments, **settings)


def load_module(path: Path) -> ModuleType:
    """A file as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_tool(name: str) -> ModuleType:
    return load_module(ROOT / 'tools' / f'{name}.py')
