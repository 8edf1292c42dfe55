"""Builds the stand-in for the CUDA runtime beside the torch of this environment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch

HERE = Path(__file__).parent
CUDA_MAJOR = '13'
_HEADERS = Path(torch.__file__).parents[1] / f'nvidia/cu{CUDA_MAJOR}/include'
_LIBRARY = 'libcuda_stand_in.so'


class CannotBuild(Exception):
    """Says in a sentence what it would take."""


def build(folder: Path) -> dict[str, str]:
    """Compile into a folder; returns what a child's environment needs to run on the stand-in.

    Raises CannotBuild where something is missing.
    """
    if reason := _obstacle():
        raise CannotBuild(f'the stand-in for CUDA is {reason}')
    library = folder / _LIBRARY
    sources = ('runtime.cpp', 'memory.cpp', 'streams.cpp', 'blas.c')
    _compile(library, *sources, f'-I{HERE / "headers"}', f'-I{_HEADERS}', '-lstdc++')
    # By its own name, for torch loads it on demand and would look for the real one.
    drivers = folder / 'driver'
    drivers.mkdir(exist_ok=True)
    _compile(drivers / 'libcuda.so.1', 'driver.c', '-Wl,-soname,libcuda.so.1')
    paths = [str(drivers), *filter(None, [os.environ.get('LD_LIBRARY_PATH')])]
    return dict(
        LD_PRELOAD=str(library),
        LD_LIBRARY_PATH=os.pathsep.join(paths),
        CUDA_STAND_IN=str(library),
        CUDA_VISIBLE_DEVICES='0',
    )


def _obstacle() -> str | None:
    if not sys.platform.startswith('linux'):
        return f'preloaded, which needs Linux, and this is {sys.platform}'
    if torch.version.cuda is None:
        return f'for a torch with CUDA, and torch {torch.__version__} is one for CPUs'
    if torch.version.cuda.partition('.')[0] != CUDA_MAJOR:
        return f'written for CUDA {CUDA_MAJOR}, and this torch is one for {torch.version.cuda}'
    if not (_HEADERS / 'cuda_runtime_api.h').is_file():
        return f'compiled with the headers of CUDA, which are not in {_HEADERS}'
    for compiler in ('gcc', 'g++'):
        if shutil.which(compiler) is None:
            return f'compiled where it is used, and there is no {compiler} here'
    return None


def _compile(library: Path, *arguments: str) -> None:
    command = ['gcc', '-shared', '-fPIC', '-O1', '-o', str(library), *arguments]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
