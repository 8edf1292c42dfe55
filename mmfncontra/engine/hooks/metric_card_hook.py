"""Metric cards of a training."""

from pathlib import Path

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfncontra.evaluation.hashes import text_hash
from mmfncontra.evaluation.metrics.sample_metric import make_card
from mmfncontra.registry import HOOKS
from mmfncontra.visualization import make_grid, save_png

from ..stream_count import stream_count
from ..train_clock import train_clock


@HOOKS.register_module()
class MetricCardHook(Hook):
    """Writes what every validation found to ``{work_dir}/metrics/iter_000500.json``.

    A card holds the values and all that they depend on
    (:class:`~mmfncontra.evaluation.card.MetricCard`); under ``run`` also what the training has cost
    so far: ``images_seen``, and ``train_seconds`` of data and steps alone
    (:class:`~mmfncontra.engine.train_clock.TrainClock`). Where copies were looked for,
    ``iter_000500_neighbours.png`` shows generated images, from the most copied on, each above the
    training image nearest to it.
    """

    priority = 'LOW'

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write the card.

        Args:
            runner: The runner.
            metrics: Values of the validation.
        """
        self._write(runner, runner.val_loop, metrics, **_cost(runner))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write the card of a test.

        Args:
            runner: The runner.
            metrics: Values of the test.
        """
        self._write(runner, runner.test_loop, metrics)

    def _write(
        self, runner: Runner, loop: object, metrics: dict[str, float] | None, **cost: float
    ) -> None:
        if not is_main_process() or not metrics:
            return
        own = [
            metric
            for evaluator in getattr(loop, 'evaluators', [])
            for metric in evaluator.metrics or ()
            if hasattr(metric, 'depends')
        ]
        card = make_card(
            own,
            metrics,
            runner.iter,
            config_hash=text_hash(runner.cfg.pretty_text),
            seed=runner.seed,
            model=getattr(runner, 'experiment_name', None),
            checkpoint=runner.cfg.get('load_from'),
            **cost,
        )
        path = card.write(Path(runner.work_dir) / 'metrics' / f'iter_{runner.iter:06d}.json')
        for metric in own:
            pairs = getattr(metric, 'most_copied', None)
            if pairs:
                _save_pairs(pairs, path.with_name(f'{path.stem}_neighbours.png'))


def _cost(runner: Runner) -> dict[str, float]:
    clock = train_clock(runner)
    if clock is None:  # a validation alone
        return {}
    cost: dict[str, float] = dict(images_seen=stream_count(runner).images(runner.iter))
    if clock.seconds is not None:
        cost['train_seconds'] = round(clock.seconds, 3)
    return cost


def _save_pairs(pairs: list[np.ndarray], path: Path) -> None:
    images = np.stack([*(pair[0] for pair in pairs), *(pair[1] for pair in pairs)])
    save_png(make_grid(images, len(pairs), least_side=128), path)
