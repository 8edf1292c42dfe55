"""The ways to run a training step that are timed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from published_step import PublishedStep
from training_step import Step

# By family: the config without its size, and that of the variant for a CPU.
CONFIGS = {
    'fastgan': ('fastgan/fastgan', 'fastgan/fastgan-offline'),
    'fncontra': ('fncontra/fastgan', 'fncontra/fastgan-offline'),
    'projected': ('projected/projected', 'projected/projected-cpu'),
    'projected-fncontra': ('fncontra/projected', 'fncontra/projected-cpu'),
}


@dataclass(frozen=True)
class Case:
    """Which step is timed.

    Attributes:
        family: A key of :data:`CONFIGS`.
        size: Side of the images in pixels.
        batch: Images in a batch.
        device: Where it runs.
        offline: Whether it is the variant for a CPU, such as without a VGG.
        changes: Values in place of those of the config, by dotted key.
    """

    family: str
    size: int
    batch: int
    device: str
    offline: bool = False
    changes: dict[str, object] = field(default_factory=dict)


def _built(kind: type[Step], amp: bool = False, **model: object) -> Callable[[Case], Step]:
    """Builds a step.

    Args:
        kind: That of this package, or that of the published code.
        amp: Whether it computes in bfloat16.
        **model: ``accelerate`` and ``channels_last``.
    """
    options = dict(accelerate=None, channels_last=False) | model
    options = {f'model.{name}': value for name, value in options.items()}

    def build(case: Case) -> Step:
        return kind(
            f'configs/{CONFIGS[case.family][case.offline]}_{case.size}.py',
            case.batch,
            case.device,
            amp,
            {**case.changes, **options},
        )

    return build


# What builds a step, by name: something that is called to train for an iteration and knows its
# precision, 'float32' or 'bfloat16'.
MODES: dict[str, Callable[[Case], Step]] = {
    'eager': _built(Step),
    'eager bf16': _built(Step, amp=True),
    'eager bf16 channels_last': _built(Step, amp=True, channels_last=True),
    'graphs': _built(Step, accelerate='cuda_graphs'),
    'graphs bf16 channels_last': _built(
        Step, amp=True, channels_last=True, accelerate='cuda_graphs'
    ),
    'published': _built(PublishedStep),
    'compile': _built(Step, amp=True, channels_last=True, accelerate='compile'),
    'compile graphs': _built(Step, amp=True, channels_last=True, accelerate='compile,cuda_graphs'),
}
