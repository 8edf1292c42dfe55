"""The runner of a training."""

from collections.abc import Sequence
from typing import Any

from mmengine.logging import MessageHub, MMLogger
from mmengine.runner import Runner, set_random_seed
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmfncontra.utils import quiet_console
from mmfncontra.utils.checkpoint_file import load_checkpoint_file, load_resumable_file
from mmfncontra.utils.dataloader_position import continued_seed
from mmfncontra.utils.portable_checkpoint import PortableCheckpointHook, use_portable_names
from mmfncontra.utils.unwrap import unwrap

from .deferred_message_hub import DeferredMessageHub
from .machine_settings import apply_settings, check_settings
from .match_weights import WeightMatch, match_weights

# The only ones that mmengine 0.10 lets a config set to None.
_MMENGINE_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)


class TrainingRunner(Runner):
    """A ``Runner`` that checks what it loads.

    * No code in a checkpoint runs, whoever set ``load_from`` or ``resume``.
    * A checkpoint that does not fit the model is refused (``resume``), or what fits is taken and
      the rest named (``load_from``), where mmengine's runner trains on with new weights.
    * A resumed training does not repeat the random numbers of its first iterations.
    * The console is short (the log file has everything), and the names in checkpoints do not depend
      on the number of processes.
    * What steps log stays on the device until it is read (:class:`DeferredMessageHub`).
    * ``env_cfg`` has settings of the machine besides mmengine's (:func:`apply_settings`).
    """

    _resuming = False

    def setup_env(self, env_cfg: dict) -> None:
        """Set the process up.

        Args:
            env_cfg: mmengine's settings and those of :func:`apply_settings`.

        Raises:
            ValueError: If it has another key, or a value is out of its range.
        """
        check_settings(env_cfg)
        super().setup_env(env_cfg)
        apply_settings(env_cfg)

    def build_message_hub(self, message_hub: dict | None = None) -> MessageHub:
        """Build the hub that does not wait for the device.

        Args:
            message_hub: Arguments of the hub; default the name of the experiment.

        Returns:
            The hub.
        """
        return DeferredMessageHub.get_instance(
            **{'name': self._experiment_name, **(message_hub or {})}
        )

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger and filter its console."""
        return quiet_console(super().build_logger(*args, **kwargs))

    def register_hooks(
        self, default_hooks: dict | None = None, custom_hooks: list | None = None
    ) -> None:
        """Register the config's hooks and the one that names weights in checkpoints.

        Args:
            default_hooks: Hooks by name; ``None`` leaves one out, mmengine's or ours.
            custom_hooks: Further hooks.
        """
        ours = {
            name: hook
            for name, hook in (default_hooks or {}).items()
            if hook is not None or name in _MMENGINE_HOOKS
        }
        super().register_hooks(ours, custom_hooks)
        self.register_hook(PortableCheckpointHook())

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Go on from a checkpoint: weights, optimisers, log and iteration.

        Random numbers continue with a seed made of the training's seed and the iteration.

        Args:
            filename: Path of a ``.pth`` file of a training.
            *args: See ``Runner.resume``.
            **kwargs: See ``Runner.resume``.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be resumed, or is of another model.
        """
        self._resuming = True
        try:
            super().resume(filename, *args, **kwargs)
        finally:
            self._resuming = False
        # `seed` is the rank's own already where ranks differ.
        set_random_seed(continued_seed(self.seed, self.iter), deterministic=self.deterministic)

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool = False,
        revise_keys: Sequence = (),
    ) -> dict[str, Any]:
        """Load weights into the model.

        Unless ``strict``, a discriminator with contrastive head takes the weights of a plain one,
        and the other way round; and a StyleGAN2 takes those that mmagic or MMGeneration published,
        of images of another size too (:func:`adapt_published_weights`).

        Args:
            filename: Path of a ``.pth`` file.
            map_location: Not used: values are read on the CPU and copied to where the model is.
            strict: Refuse a checkpoint whose names or shapes differ; so does :meth:`resume`.
            revise_keys: Not used.

        Returns:
            The checkpoint.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is unusable, or does not fit the model.
        """
        read = load_resumable_file if self._resuming else load_checkpoint_file
        checkpoint = read(filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        strict = strict or self._resuming
        model = unwrap(self.model)
        expected = model.state_dict()
        use_portable_names(model, expected)
        match = match_weights(checkpoint['state_dict'], expected, rename=not strict)
        if strict and not match.is_exact:
            raise ValueError(
                f'{filename} does not fit this config: {match.reason} ({match.describe()}); to '
                f'start anew from what fits, use --cfg-options load_from={filename}'
            )
        if not match.weights:
            raise ValueError(f'nothing in {filename} fits this config: {match.reason}')
        for name, value in match.weights.items():
            expected[name] = value
        load_state_dict(model, expected, strict=True)
        self._has_loaded = True
        self.logger.info(f'loaded {len(match.weights)} of {len(expected)} tensors from {filename}')
        if rest := match.describe(everything=False):
            self.logger.warning(f'not all of {filename} and this model match: {rest}')
            # Of several lines: for the log file only.
            self.logger.info(f'all that does not match:\n{match.describe(num=None)}')
        self._warn_of_frozen(model, match)
        return checkpoint

    def _warn_of_frozen(self, model: nn.Module, match: WeightMatch) -> None:
        """Warn of weights that are neither loaded nor trained."""
        frozen = [
            name
            for name, parameter in model.named_parameters()
            if not parameter.requires_grad and not name.startswith('generator_ema.')
        ]
        random = [name for name in frozen if name not in match.weights]
        if random and not self._resuming:
            self.logger.warning(
                f'{len(random)} of {len(frozen)} frozen tensors are not in the checkpoint and stay '
                f'random, such as {random[0]}: lower model.freeze_disc, or take a checkpoint of '
                'this image size'
            )
