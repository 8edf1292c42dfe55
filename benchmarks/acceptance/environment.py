"""What the machine is, and its ceilings."""

import hashlib
import os
import platform
import shutil
import subprocess

import torch
from training_step import ROOT

from . import measure
from .run import Run, rounded

_ASKED = 'name,driver_version,power.limit,clocks.max.sm,clocks.max.mem,mig.mode.current'


def source_hash() -> str:
    """What tells this state of the package from others, where there is no git."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / 'mmfncontra').rglob('*.py')):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def check(run: Run) -> None:
    """Say what the machine and its software are, and what a copy and a product reach."""
    from mmfncontra.compat.versions import check_versions
    from mmfncontra.version import __version__

    facts: dict[str, object] = dict(
        python=platform.python_version(),
        torch=torch.__version__,
        package=__version__,
        source=source_hash(),
        cpus=os.cpu_count(),
        threads=torch.get_num_threads(),
    )
    if run.device == 'cuda':
        properties = torch.cuda.get_device_properties(0)
        facts |= dict(
            device=properties.name,
            devices=torch.cuda.device_count(),
            memory_mib=properties.total_memory // 2**20,
            multiprocessors=properties.multi_processor_count,
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),
        )
    else:
        facts |= dict(device=platform.machine())
    run.emit(**facts)
    if run.device == 'cuda' and shutil.which('nvidia-smi'):
        said = subprocess.run(
            ['nvidia-smi', f'--query-gpu={_ASKED}', '--format=csv,noheader'],
            capture_output=True,
            text=True,
            check=False,
        )
        run.emit(asked=_ASKED, nvidia_smi=said.stdout.strip().splitlines())
    try:
        check_versions()
        run.emit(packages='fit', fine=True)
    except ImportError as error:
        run.failed(error, packages='do not fit')
    found = measure.rates(run.device, run.dry)
    run.emit(ceilings='TB/s of a copy, TFLOP/s of a product', **rounded(found, 3))
    if run.device == 'cuda':
        exact = measure.product_rate(run.device, 4096, torch.float32)
        run.emit(ceilings='TFLOP/s of a product in float32 without TF32', exact=round(exact, 3))
