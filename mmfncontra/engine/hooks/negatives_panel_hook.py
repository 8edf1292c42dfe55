"""A picture of what the discriminator learns from."""

import copy
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmfncontra.models.layers import AdaptiveStrength
from mmfncontra.models.sampling import to_arrays
from mmfncontra.models.wavelets import FrequencyNegatives
from mmfncontra.registry import HOOKS
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.rng import isolated_rng
from mmfncontra.utils.unwrap import unwrap, unwrap_images
from mmfncontra.visualization import plot_negatives

# Drawn anew at every step of a training; fixed here, so that the picture can be labelled.
_MIDDLE, _HARD = 'LH', ('LH', 'HL')
# Strength at which an adaptive augmentation is shown, at least.
_SHOWN_STRENGTH = 0.5


@HOOKS.register_module()
class NegativesPanelHook(Hook):
    """Write training images beside their negatives and augmentations to ``negatives.png``.

    One picture in the work directory before training: real, the negatives of the levels in use, the
    positive view, augmented. It shows the images as the data pipeline gives them, and for the
    middle and the hard negative one of the choices a step draws from. Without contrast, only real
    and augmented are shown. A resumed training keeps the picture it has. The randomness of the
    training is left as it was.

    Args:
        num_images: Training images to show, taken evenly over the data set.
        seed: Seed of the pipeline and the augmentation.

    Raises:
        ValueError: If ``num_images`` is not a positive integer.
    """

    def __init__(self, num_images: int = 4, seed: int = 0) -> None:
        check_integers(num_images=num_images)
        self.num_images = num_images
        self.seed = seed

    def before_train(self, runner: Runner) -> None:
        """Write the picture, unless a resumed training has it."""
        path = Path(runner.work_dir) / 'negatives.png'
        if not is_main_process() or (runner.iter > 0 and path.exists()):
            return
        model = unwrap(runner.model)
        device = next(model.parameters()).device
        with isolated_rng(self.seed, device), torch.no_grad():
            inputs = self._pick(runner.train_dataloader.dataset)
            images = unwrap_images(model.data_preprocessor(dict(inputs=inputs))['inputs'])
            columns = _columns(model, images)
        figure = plot_negatives(
            {label: to_arrays(images) for label, images in columns.items()},
            title='What the discriminator sees',
        )
        figure.savefig(path)

    def _pick(self, dataset: Dataset) -> list[Tensor]:
        count = min(self.num_images, len(dataset))
        indices = np.linspace(0, len(dataset) - 1, count).round().astype(int)
        return [dataset[int(index)]['inputs'] for index in indices]


def _columns(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    columns = {'real': images}
    contrast = getattr(model, 'contrast', None)
    if contrast is not None:
        columns |= _negatives(contrast, images)
        if getattr(contrast, 'embeds', False):
            columns['positive'] = contrast.view(images)
    if getattr(model, 'augment', None) is not None:
        # A copy: an adaptive augmentation may count what it is given.
        augment = copy.deepcopy(model.augment)
        label = 'augmented'
        if isinstance(getattr(augment, 'strength', None), AdaptiveStrength):
            # It begins at 0, where there is nothing to see.
            augment.strength.value.clamp_(min=_SHOWN_STRENGTH)
            label = f'augmented\np = {augment.strength.value.item():.2g}'
        columns[label] = augment(images)
    return columns


def _negatives(contrast: nn.Module, images: Tensor) -> dict[str, Tensor]:
    if not isinstance(contrast.negatives, FrequencyNegatives):
        negatives = contrast.negatives(images)
        return {level: negatives[level] for level in contrast.difficulties}
    labels = dict(
        easy='easy\nLL',
        middle=f'middle\nLL + {_MIDDLE}',
        hard=f'hard\nLL + {" + ".join(_HARD)}',
    )
    negatives = contrast.negatives(images, middle=_MIDDLE, hard=_HARD)
    return {labels[level]: negatives[level] for level in contrast.difficulties}
