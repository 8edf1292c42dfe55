"""Curves of a training."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfncontra.registry import HOOKS
from mmfncontra.visualization import plot_curves, read_scalars


@HOOKS.register_module()
class CurvesHook(Hook):
    """Plot losses, weights and similarities to ``{work_dir}/curves.png`` after training.

    The curves come from the scalars that the local backend wrote, those of the runs before a
    resume included.
    """

    priority = 'VERY_LOW'  # after the logger

    def after_train(self, runner: Runner) -> None:
        """Write the picture."""
        if is_main_process():
            figure = plot_curves(read_scalars(runner.work_dir))
            figure.savefig(Path(runner.work_dir) / 'curves.png')
