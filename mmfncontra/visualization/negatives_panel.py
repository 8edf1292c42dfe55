"""Training images beside their negatives."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from mmfncontra.utils.checks import check_images

_CELL, _GAP = 2.56, 0.04  # inches, at 100 dots per inch: a 256x256 image keeps its pixels


def plot_negatives(columns: Mapping[str, np.ndarray], title: str = '') -> Figure:
    """One column per way an image is shown to the discriminator, one row per image.

    Args:
        columns: Label to uint8 RGB images (N, H, W, 3), the same N in
            every column. A label may have several lines.
        title: Heading of the picture.

    Returns:
        The picture, to be saved at its own resolution.

    Raises:
        ValueError: If there is no column, or the columns differ in their number of images.
    """
    for label, images in columns.items():
        check_images(images, label)
    counts = {label: len(images) for label, images in columns.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(
            f'columns must all hold the same number of images, got {counts or "no column"}'
        )
    rows = next(iter(counts.values()))

    header = 0.4 + 0.2 * (1 + max(label.count('\n') for label in columns))
    width = (_CELL + _GAP) * len(columns) - _GAP
    height = (_CELL + _GAP) * rows - _GAP + header
    figure = Figure(figsize=(width, height), dpi=100)
    figure.suptitle(title, y=1 - 0.08 / height, va='top', fontsize=13)
    axes = figure.subplots(
        rows,
        len(columns),
        squeeze=False,
        gridspec_kw=dict(
            left=0,
            right=1,
            bottom=0,
            top=1 - header / height,
            wspace=_GAP / _CELL,
            hspace=_GAP / _CELL,
        ),
    )
    for column, (label, images) in enumerate(columns.items()):
        axes[0, column].set_title(label, fontsize=11, pad=4)
        for row, image in enumerate(images):
            axes[row, column].imshow(image)
            axes[row, column].set_axis_off()
    return figure
