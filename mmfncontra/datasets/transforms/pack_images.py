"""From arrays to what a data preprocessor takes."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmfncontra.registry import TRANSFORMS
from mmfncontra.utils.checks import check_image


@TRANSFORMS.register_module()
class PackImages(BaseTransform):
    """Turn the arrays of an item into the tensors a data preprocessor takes.

    Args:
        key: Which of the results is the image: RGB, H×W×3, uint8.
        extra_keys: Further results to hand on under their own names. Arrays with three axes are
            images too, H×W×C, and become C×H×W; anything else goes through ``torch.as_tensor``.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> import numpy as np
        >>> item = PackImages()(dict(img=np.zeros((8, 8, 3), np.uint8)))
        >>> item['inputs'].shape
        torch.Size([3, 8, 8])
    """

    def __init__(self, key: str = 'img', extra_keys: Sequence[str] = ()) -> None:
        if isinstance(extra_keys, str):
            raise ValueError(
                f'extra_keys must be a list of names, got the string {extra_keys!r}: '
                f'write [{extra_keys!r}]'
            )
        if 'inputs' in extra_keys:
            raise ValueError("extra_keys must not hold 'inputs', which is the image's own name")
        self.key = key
        self.extra_keys = tuple(extra_keys)

    def transform(self, results: dict) -> dict[str, torch.Tensor]:
        """Pack one item.

        Args:
            results: The item; ``results[key]`` may be flipped (negative strides).

        Returns:
            ``inputs``, uint8, 3×H×W, contiguous, and one tensor for each of ``extra_keys``.

        Raises:
            KeyError: If a result is missing.
            ValueError: If the image is not an H×W×3 array of uint8.
        """
        missing = [key for key in (self.key, *self.extra_keys) if key not in results]
        if missing:
            raise KeyError(f'PackImages: no {missing} among the results {sorted(results)}')
        image = results[self.key]
        check_image(image, f'PackImages comes before normalising: {self.key!r}')
        return dict(
            inputs=_to_tensor(image),
            **{key: _to_tensor(results[key]) for key in self.extra_keys},
        )

    def __repr__(self) -> str:
        return f'{type(self).__name__}(key={self.key!r}, extra_keys={self.extra_keys})'


def _to_tensor(value: np.ndarray | float | Sequence) -> torch.Tensor:
    if not isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if value.ndim == 3:
        value = value.transpose(2, 0, 1)
    # torch refuses negative strides, which a flip leaves behind.
    return torch.from_numpy(np.ascontiguousarray(value))
