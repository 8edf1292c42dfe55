"""The checks, what is worth most first, with the seconds that each may take."""

from functools import partial

from . import (
    agreement,
    environment,
    gpu_tests,
    lazy,
    nccl,
    photographs,
    quality,
    resume,
    sampling,
    steps,
)
from .schedule import Check
from .steps import Setting

_PLAIN = (
    *('eager', 'graphs', 'graphs bf16 channels_last', 'published'),
    *('eager bf16', 'eager bf16 channels_last'),
)
_FAST_FIRST = ('graphs bf16 channels_last', 'graphs', 'eager', 'eager bf16 channels_last')

CHECKS = (
    Check('environment', environment.check, 40),
    # These time nothing and share the GPU.
    Check('agreement', agreement.check, 110, alone=False),
    Check('tests', gpu_tests.check, 110, alone=False),
    Check('resume', resume.check, 90, alone=False),
    Check('nccl', nccl.check, 60, alone=False),
    Check('steps-256-8', partial(steps.check, setting=Setting(256, 8, _PLAIN)), 130),
    Check('sampling', sampling.check, 90),
    Check('lazy', lazy.check, 50),
    Check(
        'steps-1024-8',
        partial(steps.check, setting=Setting(1024, 8, _FAST_FIRST)),
        60,
    ),
    Check(
        'steps-256-64',
        # Not in memory together: with graphs both keep theirs.
        partial(steps.check, setting=Setting(256, 64, _FAST_FIRST, in_turns=False)),
        50,
    ),
    Check(
        'steps-256-64-projected',
        partial(
            steps.check,
            setting=Setting(
                *(256, 64, _FAST_FIRST, ('projected', 'projected-fncontra')),
                in_turns=False,
                pretrained=True,
            ),
        ),
        70,
    ),
    Check('kernels-256-8', partial(steps.look, setting=Setting(256, 8, _PLAIN)), 60),
    Check('quality', quality.check, 140),
    # In all the time that is left; without a folder of photographs it is left out.
    Check('photographs', photographs.check, 1800),
    Check(
        'compile',
        partial(steps.check, setting=Setting(256, 8, ('compile', 'compile graphs'), ('fncontra',))),
        150,
    ),
)
