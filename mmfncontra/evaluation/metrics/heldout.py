"""Images that are not trained on."""

import numpy as np

from mmfncontra.models.network_facts import out_size
from mmfncontra.registry import DATASETS
from mmfncontra.utils.unwrap import unwrap

from .sample_metric import SampleMetric, generator_of, read_image


def read_heldout(heldout: dict | None) -> np.ndarray | None:
    """Read held-out images; what is wrong with them is to show before training.

    Args:
        heldout: Config of their data set, or none.

    Returns:
        uint8 RGB, (N, S, S, 3).
    """
    if heldout is None:
        return None
    dataset = DATASETS.build({**heldout, 'pipeline': [dict(type='mmfncontra.PackImages')]})
    return np.stack([read_image(dataset, i) for i in range(len(dataset))])


def check_heldout(metric: SampleMetric, heldout: np.ndarray | None, model: object) -> None:
    """Refuse held-out images of another size than the model's.

    Args:
        metric: Whose images they are.
        heldout: The images, or none.
        model: A GAN, or a generator alone.

    Raises:
        ValueError: If the sizes differ.
    """
    size = out_size(unwrap(generator_of(model)))
    if heldout is not None and size and heldout.shape[1] != size:
        raise ValueError(
            f'{type(metric).__name__}.heldout must have images of {size} pixels, as the model '
            f'does, got {heldout.shape[1]}'
        )
