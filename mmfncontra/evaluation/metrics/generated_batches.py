"""Generated images for a loop that evaluates."""

import math
from collections.abc import Iterator
from typing import Any

from mmengine.dist import get_dist_info
from torch import nn

from mmfncontra.models.sampling import calibrate_batchnorm, copy_generator, iterate_pixels


class GeneratedBatches:
    """Batches of images of a model's generator, each rank its share of them.

    Image i depends on the seed and on i alone, whatever the batch size and the number of ranks. The
    images are those of a calibrated copy: the training that is evaluated goes on as if it had not
    been.

    Args:
        model: A GAN.
        num: Images in all.
        seed: Seed of the images.
        batch_size: Images generated at once.
        use_ema: Take the averaged weights where there are any.
        truncation: ψ of a style-based generator.
        precision: See :func:`sample_images`.
        num_arrays: Images, of those in all, that are wanted on the host.
    """

    def __init__(
        self,
        model: nn.Module,
        num: int,
        seed: int = 0,
        batch_size: int = 16,
        use_ema: bool = True,
        truncation: float = 1.0,
        precision: str = 'float32',
        num_arrays: int = 0,
    ) -> None:
        rank, world_size = get_dist_info()
        share = math.ceil(num / world_size)
        self.start = min(rank * share, num)
        self.count = min(share, num - self.start)
        self.model, self.seed, self.batch_size = model, seed, batch_size
        self.use_ema, self.truncation, self.precision = use_ema, truncation, precision
        self.num_arrays = max(0, num_arrays - self.start)

    def __len__(self) -> int:
        """Batches of this rank."""
        return math.ceil(self.count / self.batch_size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield what :meth:`SampleMetric.process` takes."""
        if not self.count:
            return
        start = self.start
        generator = calibrate_batchnorm(copy_generator(self.model, self.use_ema))
        for images, arrays in iterate_pixels(
            generator,
            self.count,
            seed=self.seed,
            batch_size=self.batch_size,
            truncation=self.truncation,
            start=self.start,
            precision=self.precision,
            num_arrays=self.num_arrays,
        ):
            yield dict(images=images, arrays=arrays, start=start)
            start += len(images)
