"""Sample grids: pictures of what the generator makes."""

from pathlib import Path

import numpy as np
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from mmengine.visualization import LocalVisBackend
from torch import nn

from mmfncontra.models.sampling import calibrate_batchnorm, copy_generator, sample_images
from mmfncontra.registry import HOOKS
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.unwrap import unwrap
from mmfncontra.visualization import make_grid, save_png

from .periodic_hook import PeriodicHook


@HOOKS.register_module()
class SampleGridHook(PeriodicHook):
    """Write a grid of samples from fixed noise to ``{work_dir}/samples/iter_000500.png``.

    The samples are those of the EMA generator, or of the generator where there is no EMA. They are
    drawn on a copy and with randomness of their own: a training is the same, to the bit, with and
    without this hook. A generator that returns values which are not finite ends the training, as
    its average does not recover. There is one grid before the first iteration, one every
    ``interval`` iterations and one at the end. Images below 128 pixels are enlarged by a whole
    number. Backends other than the local one (TensorBoard, W&B) get the grids too.

    Args:
        interval: Iterations between two grids.
        num_images: Images in a grid.
        nrow: Images per row; None makes the grid about square.
        seed: Seed of the noise, the same for every grid.
        batch_size: Images generated at once.

    Raises:
        ValueError: If a number is not a positive integer.
    """

    def __init__(
        self,
        interval: int = 500,
        num_images: int = 16,
        nrow: int | None = None,
        seed: int = 0,
        batch_size: int = 16,
    ) -> None:
        super().__init__(interval)
        check_integers(num_images=num_images, batch_size=batch_size)
        if nrow is not None:
            check_integers(nrow=nrow)
        self.num_images = num_images
        self.nrow = nrow
        self.seed = seed
        self.batch_size = batch_size

    def before_train(self, runner: Runner) -> None:
        """Show what the training starts from; a resumed run has that picture already."""
        if runner.iter == 0:
            runner.logger.info('drawing samples before the first iteration')
            self.act(runner, 0)

    def act(self, runner: Runner, iteration: int) -> None:
        """Write a grid."""
        if not is_main_process():
            return
        images = self._sample(unwrap(runner.model))
        grid = make_grid(images, self.nrow, least_side=128)
        save_png(grid, Path(runner.work_dir) / 'samples' / f'iter_{iteration:06d}.png')
        for backend in runner.visualizer._vis_backends.values():
            if not isinstance(backend, LocalVisBackend):  # it would write the same file again
                backend.add_image('samples', grid, iteration)

    def _sample(self, model: nn.Module) -> np.ndarray:
        return sample_images(
            calibrate_batchnorm(copy_generator(model)),
            self.num_images,
            seed=self.seed,
            batch_size=self.batch_size,
        )
