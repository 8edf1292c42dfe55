"""Held-out images of the data set that is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .check import leaf_datasets

if TYPE_CHECKING:
    from mmengine.config import Config


def complete_heldout(cfg: Config) -> None:
    """Fill in what a metric's ``heldout`` leaves unsaid from the data set that is trained on.

    With ``train_dataloader.dataset.indices=80`` the images held out are ``dict(indices=-20)``.

    Args:
        cfg: Config of a training, its folder of images set; changed in place.

    Raises:
        ValueError: If it would be the training's own images, or the training has several data sets.
    """
    for kind in ('val_evaluator', 'test_evaluator'):
        evaluator = cfg.get(kind)
        metrics = evaluator.get('metrics') if isinstance(evaluator, Mapping) else evaluator
        for number, metric in enumerate(
            [metrics] if isinstance(metrics, Mapping) else metrics or ()
        ):
            # What is no metric is refused where it is built.
            heldout = metric.get('heldout') if isinstance(metric, Mapping) else None
            if isinstance(heldout, Mapping) and 'type' not in heldout:
                trained_on = _trained_on(cfg, key := f'{kind}.metrics.{number}.heldout')
                own = trained_on.pop('indices', None)
                # Without indices all images are trained on, whichever are held out.
                is_same = own is None or heldout.get('indices') in (None, own)
                if is_same and 'data_root' not in heldout:
                    raise ValueError(
                        f'{key} would be the images that are trained on: train on a part, as in '
                        'train_dataloader.dataset.indices=80, and name others by its indices, as '
                        'in indices=-20, or by its data_root'
                    )
                metric['heldout'] = {**trained_on, **heldout}


def _trained_on(cfg: Config, key: str) -> dict[str, Any]:
    (_, dataset), *others = leaf_datasets(cfg.train_dataloader.dataset)
    if others:
        raise ValueError(f'{key} needs a type: the training has several data sets')
    return {name: value for name, value in dataset.items() if name != 'pipeline'}
