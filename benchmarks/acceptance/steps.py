"""What a training step takes, of FNContra and of its baseline, in each of several modes."""

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from training_step import interleaved, seconds, use_the_machine, wait_for

from . import measure
from .modes import MODES, Case
from .packages import missing
from .run import Run

# Steps before the clock: graphs are recorded in the fourth, and replayed from then on.
_WARM_UP = 8
# In a dry run: narrow networks, and no VGG.
_NARROW = {'model.generator.base_channels': 4, 'model.discriminator.base_channels': 4}
_NARROW_PROJECTED = {
    'model.generator.base_channels': 4,
    'model.discriminator.mix_channels': 4,
    'model.discriminator.feature_size': 64,
}


@dataclass(frozen=True)
class Setting:
    """Which steps a check times.

    Attributes:
        size: Side of the images in pixels.
        batch: Images in a batch.
        modes: Names of modes, the one worth most first.
        families: The steps.
        in_turns: Whether the families are in memory together and timed in turns.
        pretrained: Whether the steps look through EfficientNet-Lite0.
    """

    size: int
    batch: int
    modes: Sequence[str]
    families: Sequence[str] = ('fastgan', 'fncontra')
    in_turns: bool = True
    pretrained: bool = False


def check(run: Run, setting: Setting) -> None:
    """Time the steps of a setting mode by mode, as far as the time goes."""
    if setting.pretrained and (lacking := missing(0)):
        run.emit(families=setting.families, skipped=lacking)
        return
    use_the_machine()
    if run.dry:  # all sizes are one, so that all modes of one of them are enough
        modes = setting.modes if (setting.size, setting.batch) == (256, 8) else setting.modes[:1]
        # Most CPUs emulate bfloat16, which takes tens of times as long: once is enough.
        modes = [mode for mode in modes if not mode.startswith('eager bf16')]
        setting = replace(setting, size=64, batch=2, modes=modes)
    found = measure.rates(run.device, run.dry)
    bench = _Bench(run, setting, found)
    # To compile takes minutes.
    with torch.compiler.set_stance('force_eager') if run.dry else nullcontext():
        bench.in_each_mode(bench.measure, setting.in_turns)


def look(run: Run, setting: Setting) -> None:
    """Look at the steps of a setting with the profiler, mode by mode.

    In a process of its own: where the profiler has been, launches may take longer.
    """
    use_the_machine()
    if run.dry:  # a profile of a CPU's step takes seconds
        setting = replace(setting, size=64, batch=2, modes=setting.modes[:1])
    bench = _Bench(run, setting, {})
    bench.in_each_mode(bench.look, False)


class _Bench:
    def __init__(self, run: Run, setting: Setting, rates: dict[str, float]) -> None:
        self.run, self.setting, self.rates = run, setting, rates
        # By family, kind of step and precision.
        self.work: dict[tuple[str, str, str], dict[str, float]] = {}

    def emit(self, **facts: object) -> None:
        self.run.emit(size=self.setting.size, batch=self.setting.batch, **facts)

    def in_each_mode(self, work: Callable[[str, Sequence[str]], None], in_turns: bool) -> None:
        """Do something in each mode, with the families together or not, as far as the time goes."""
        run, setting, longest = self.run, self.setting, 0.0
        groups = [setting.families] if in_turns else [[name] for name in setting.families]
        for number, (mode, group) in enumerate(itertools.product(setting.modes, groups)):
            if run.left < 1.5 * longest:
                self.emit(mode=mode, families=group, skipped=f'{run.left:.0f} s were left')
                continue
            began = time.monotonic()
            try:
                work(mode, group)
            except Exception as error:  # the next mode may do
                run.failed(error, size=setting.size, batch=setting.batch, mode=mode, families=group)
            if number:  # in the first, cuDNN tries its algorithms
                longest = max(longest, time.monotonic() - began)

    def look(self, mode: str, families: Sequence[str]) -> None:
        """Profile a step of each family."""
        for family in families:
            step, _ = self._warm(mode, family)
            self.emit(mode=mode, family=family, **measure.profile(step, self.run.device))

    def measure(self, mode: str, families: Sequence[str]) -> None:
        """Build the steps of a mode and time them in turns."""
        warm = {family: self._warm(mode, family) for family in families}
        steps = {family: step for family, (step, _) in warm.items()}
        medians: dict[str, float] = {}
        for family, times in self._times(steps).items():
            ms = medians[family] = 1000 * statistics.median(times)
            self.emit(
                mode=mode,
                family=family,
                ms=round(ms, 3),
                least_ms=round(1000 * min(times), 3),
                img_s=round(1000 * self.setting.batch / ms, 1),
                host_ms=round(measure.host_ms(steps[family], self.run.device, self._few(10)), 3),
                **warm[family][1],
                **self._floor(steps[family], family, ms),
            )
        if {'fastgan', 'fncontra'} <= medians.keys():
            ratio = medians['fncontra'] / medians['fastgan']
            self.emit(mode=mode, fncontra_over_fastgan=round(ratio, 4))

    def _few(self, count: int) -> int:
        return 1 if self.run.dry else count

    def _warm(self, mode: str, family: str) -> tuple[Callable, dict[str, object]]:
        """A step that has settled, and what its first calls took."""
        on_gpu = self.run.device == 'cuda'
        gc.collect()
        if on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        before = measure.memory(self.run.device)
        case = Case(family, self.setting.size, self.setting.batch, self.run.device)
        if self.run.dry:
            changes = _NARROW_PROJECTED if family.startswith('projected') else _NARROW
            case = replace(case, offline=True, changes=changes)
        began = time.perf_counter()
        step = MODES[mode](case)
        built = time.perf_counter()
        step()
        if on_gpu:  # with what cuDNN tried its algorithms is no part of a step
            torch.cuda.reset_peak_memory_stats()
        key = _work_key(step, family)
        if self.rates and key not in self.work and 'compile' not in mode:
            # In the second step: also where later ones are replayed, this one is an ordinary one.
            self.work[key] = measure.operations(step)
        for _ in range(self._few(_WARM_UP - 2)):
            step()
        wait_for(self.run.device)
        facts = dict(build_s=round(built - began, 2), first_s=round(time.perf_counter() - built, 2))
        if on_gpu:
            peak = measure.memory(self.run.device)['peak'] - before['now']
            gc.collect()
            torch.cuda.empty_cache()
            held = measure.memory(self.run.device)['held'] - before['held']
            facts |= dict(peak_mib=peak // 2**20, held_mib=held // 2**20)
        return step, facts

    def _times(self, steps: dict[str, Callable]) -> dict[str, list[float]]:
        """Some seconds of each, in turns."""
        device = self.run.device
        longest = max(seconds(step, device) for step in steps.values())
        # About four seconds; a round is five steps of each on a GPU.
        rounds = 1 if self.run.dry else max(3, min(12, int(0.4 / longest)))
        return interleaved(steps, rounds, device, warm_up=0 if self.run.dry else 1)

    def _floor(self, step: Callable, family: str, ms: float) -> dict[str, float]:
        work = self.work.get(_work_key(step, family))
        if work is None:
            return {}
        least = measure.floor_ms(work, self.rates, step.precision)
        return dict(
            gflop=round(work['gflop'], 1),
            gb=round(work['gb'], 2),
            floor_ms=round(least, 3),
            of_floor=round(least / ms, 4),
        )


def _work_key(step: Callable, family: str) -> tuple[str, str, str]:
    return family, type(step).__name__, step.precision
