"""Hand the scalars of a step on in one piece."""

from typing import Any

from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import Runner

from mmfncontra.registry import HOOKS


@HOOKS.register_module()
class StepScalarsHook(RuntimeInfoHook):
    """mmengine's ``RuntimeInfoHook`` with one update of the message hub for all losses of a step.

    The hub of a :class:`~mmfncontra.engine.TrainingRunner` keeps them on the device until somebody
    reads them, such as the logger at its interval.

    Example:
        >>> default_hooks = dict(runtime_info=dict(type='StepScalarsHook'))
    """

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Pass on what the step returned."""
        scalars = {f'train/{name}': value for name, value in (outputs or {}).items()}
        runner.message_hub.update_scalars(scalars)
