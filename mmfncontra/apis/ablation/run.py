"""A training of an ablation, and what its folder tells of it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from mmfncontra.evaluation.card import MetricCard
from mmfncontra.utils.files import write_json

from .variants import Variant


@dataclass(frozen=True)
class AblationRun:
    """A training of a variant with a seed.

    Attributes:
        variant: What is trained.
        seed: Seed of the training.
        work_dir: Its folder.
        command: What trains, or goes on.
    """

    variant: Variant
    seed: int
    work_dir: Path
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        """Variant and seed."""
        return f'{self.variant.name}, seed {self.seed}'

    @property
    def _record(self) -> Path:
        return self.work_dir / 'ablation_run.json'

    def read_record(self) -> dict:
        """What was written down of the run; empty before its first start."""
        try:
            return json.loads(self._record.read_text(encoding='utf-8'))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise ValueError(f'{self._record} is broken, remove it: {error}') from error

    def write_record(self, **record: object) -> None:
        """Write down what makes this run, whole or not at all."""
        write_json(self._record, record)

    def cards(self) -> dict[int, MetricCard]:
        """Its metric cards by iteration."""
        paths = [p for p in self.work_dir.glob('metrics/*.json') if re.match(r'iter_\d+$', p.stem)]
        return {int(path.stem[5:]): MetricCard.read(path) for path in sorted(paths)}

    @property
    def state(self) -> str:
        """``'finished'``, ``'failed'``, ``'started'`` or ``'new'``."""
        record = self.read_record()
        if not record:
            return 'new'
        if record['finished'] or max(self.cards(), default=0) >= record['max_iters']:
            return 'finished'
        return 'failed' if record.get('failure') else 'started'

    def is_shorter_than(self, max_iters: int) -> bool:
        """Whether it was started to be trained for fewer iterations."""
        return self.read_record().get('max_iters', max_iters) < max_iters

    @property
    def failure(self) -> str | None:
        """Why its last start failed, if it did and the run is not finished."""
        return self.read_record()['failure'] if self.state == 'failed' else None
