"""Images to measure."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmfncontra.datasets import ProceduralShells


@pytest.fixture(scope='session')
def shells() -> np.ndarray:
    """Ninety drawn shells, uint8 RGB, (90, 48, 48, 3)."""
    return np.stack([item['img'] for item in ProceduralShells(num_images=90, size=48)])


@pytest.fixture(scope='session')
def read_photographs(photographs: Path) -> Callable[[str], np.ndarray]:
    """Photographs of a set by its name, uint8 RGB, (N, 256, 256, 3), in an order without order."""

    def read(name: str) -> np.ndarray:
        paths = sorted((photographs / name).glob('*.jpg'))
        images = np.stack([np.asarray(Image.open(path).convert('RGB')) for path in paths])
        return images[np.random.default_rng(0).permutation(len(images))]

    return read


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every image a chunk of its own."""
    monkeypatch.setattr('mmfncontra.evaluation.functional.image_arrays._CHUNK_VALUES', 1)
