"""How well classes can be told apart linearly by what a network has learned."""

from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, HOOKS
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader


def linear_probe(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> float:
    """Test accuracy of a logistic regression on standardised features.

    Args:
        train: Features (N, C) and labels (N,).
        test: Features (M, C) and labels (M,).

    Returns:
        Share of test labels that are predicted, in [0, 1].
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(classifier.fit(*train).score(*test))


@torch.no_grad()
def extract_features(model: nn.Module, dataset: dict) -> tuple[np.ndarray, np.ndarray]:
    """Features of a frozen backbone, averaged over places.

    Args:
        model: Self-supervised model of mmpretrain; it is in evaluation mode afterwards.
        dataset: Config of a data set that packs one view of each image.

    Returns:
        Features (N, C) of the last stage and labels (N,).
    """
    model.eval()
    features, labels = [], []
    for batch in _batches(model, dataset):
        features.append(model.extract_feat(batch['inputs'])[-1].mean(dim=(2, 3)).cpu().numpy())
        labels += [int(sample.gt_label) for sample in batch['data_samples']]
    return np.concatenate(features), np.array(labels)


@torch.no_grad()
def settle_batchnorm(model: nn.Module, dataset: dict) -> None:
    """Give the backbone of an untrained model the BatchNorm statistics of a data set.

    Any training leaves these behind; without them a network with random weights looks worse than
    its weights are.

    Args:
        model: Self-supervised model of mmpretrain; it is in training mode afterwards.
        dataset: Config of a data set that packs one view of each image.
    """
    for layer in model.backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all batches
    model.train()
    for batch in _batches(model, dataset):
        model.extract_feat(batch['inputs'])


def _batches(model: nn.Module, dataset: dict) -> Iterator[dict]:
    # Not by the runner, whose loaders give each process of a distributed training a share.
    images = DATASETS.build(dataset)
    for batch in DataLoader(images, batch_size=128, collate_fn=default_collate):
        yield model.data_preprocessor(batch)


@HOOKS.register_module()
class LinearProbeHook(Hook):
    """Probes the backbone after the training, see :func:`linear_probe`.

    The accuracy is logged and kept in the message hub as ``probe/accuracy``.

    Args:
        train: Config of the data set to fit the classifier on.
        test: Config of the data set to test it on.
    """

    def __init__(self, train: dict, test: dict) -> None:
        self.train, self.test = train, test

    def after_train(self, runner: Runner) -> None:
        """Probe and tell.

        Args:
            runner: What has trained.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        accuracy = self.probe(model)
        runner.message_hub.update_info('probe/accuracy', accuracy)
        runner.logger.info(f'linear probe: test accuracy {100 * accuracy:.1f} %')

    def probe(self, model: nn.Module) -> float:
        """Test accuracy, in [0, 1].

        Args:
            model: Self-supervised model of mmpretrain.
        """
        return linear_probe(extract_features(model, self.train), extract_features(model, self.test))
