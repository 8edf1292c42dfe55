"""Loops that evaluate generated images against the images of the training."""

import copy
from typing import Any

from mmengine.runner import BaseLoop, Runner

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.evaluation.metrics import installed_metrics
from mmfncontra.evaluation.metrics.sample_metric import check_metrics
from mmfncontra.registry import LOOPS


@LOOPS.register_module()
def SampleValLoop(runner: Runner, dataloader: Any, evaluator: Any) -> BaseLoop:
    """Validate by mmagic's ``MultiValLoop``, by default on the images that are trained on.

    Args:
        runner: The runner.
        dataloader: Config of the loader of the real images. Without a ``dataset`` it takes that of
            the training, each image as it is: the transforms between reading and ``PackImages``
            are left out.
        evaluator: Config with ``metrics``, or a list of metrics.

    Returns:
        The loop.
    """
    return _build('MultiValLoop', runner, dataloader, evaluator)


@LOOPS.register_module()
def SampleTestLoop(runner: Runner, dataloader: Any, evaluator: Any) -> BaseLoop:
    """Test by mmagic's ``MultiTestLoop``; see :func:`SampleValLoop`.

    Args:
        runner: The runner.
        dataloader: See :func:`SampleValLoop`.
        evaluator: See :func:`SampleValLoop`.

    Returns:
        The loop.
    """
    return _build('MultiTestLoop', runner, dataloader, evaluator)


def training_images(dataset: dict) -> dict:
    """Config of the data set of a training without its random transforms.

    Args:
        dataset: Config of the training's data set; a wrapper such as ``RepeatDataset`` is undone.

    Returns:
        The config.
    """
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    dataset = copy.deepcopy(dataset)
    packs = [step for step in dataset.get('pipeline') or () if 'PackImages' in str(step['type'])]
    dataset['pipeline'] = packs[:1] or [dict(type='mmfncontra.PackImages')]
    return dataset


def _build(name: str, runner: Runner, dataloader: Any, evaluator: Any) -> BaseLoop:
    prepare_mmagic()
    # mmagic is not imported by those who evaluate nothing.
    from mmagic.engine import runner as loops
    from mmagic.evaluation import Evaluator

    if isinstance(dataloader, dict) and not dataloader.get('dataset'):
        dataset = training_images(runner.cfg.train_dataloader.dataset)
        dataloader = {**dataloader, 'dataset': dataset}
    if isinstance(evaluator, dict):
        evaluator = evaluator['metrics']
    if isinstance(evaluator, list | tuple):
        evaluator = Evaluator(installed_metrics(evaluator))
    loop = getattr(loops, name)(runner=runner, dataloader=dataloader, evaluator=evaluator)
    for each in loop.evaluators:
        check_metrics(each.metrics or (), runner.model)
    return loop
