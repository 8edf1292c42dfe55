"""The runner of a training."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import (
    all_gather_object,
    broadcast,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.fileio import LocalBackend, get_file_backend
from mmengine.logging import MessageHub, MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner, set_random_seed
from mmengine.runner.checkpoint import load_state_dict
from torch import nn
from torch.utils.data import DataLoader

from mmfncontra.checkpoints.file import (
    load_checkpoint_file,
    load_from_option,
    load_resumable_file,
)
from mmfncontra.checkpoints.match_weights import WeightMatch, match_weights
from mmfncontra.checkpoints.portable_names import PortableCheckpointHook, portable_state
from mmfncontra.checkpoints.rank_state import (
    RankStateHook,
    gather_rank_states,
    set_accumulated,
    set_random_state,
)
from mmfncontra.checkpoints.store import latest_checkpoint
from mmfncontra.config.check import check_values
from mmfncontra.config.load import load_config
from mmfncontra.config.recorded import describe_changes, find_changes, is_recorded_config
from mmfncontra.models.pretrained import frozen_hashes
from mmfncontra.registry import RUNNERS
from mmfncontra.utils.console import quiet_console, shown_name
from mmfncontra.utils.files import whole_file
from mmfncontra.utils.rng import continued_seed
from mmfncontra.utils.unwrap import unwrap

from .loaders.stream_loader import begin_worker
from .logs.bounded_log import bound_log_files
from .logs.deferred_message_hub import DeferredMessageHub
from .machine_settings import apply_settings
from .optim.configured_optimisers import ConfiguredOptimisers
from .resumed_settings import settle_settings
from .train_clock import pause_clock

# The only ones that mmengine 0.10 lets a config set to None.
_MMENGINE_HOOKS = (
    *('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint'),
)


@RUNNERS.register_module()
class TrainingRunner(Runner):
    """A ``Runner`` that checks what it loads.

    * No code in a checkpoint runs, whoever set ``load_from`` or ``resume``.
    * A checkpoint that does not fit the model is refused (``resume``), or what fits is taken and
      the rest named (``load_from``), where mmengine's runner trains on with new weights.
    * A training that is resumed on as many processes goes on bit for bit as if it had never been
      left; a checkpoint holds what that takes of every one of them.
    * A checkpoint is written whole or not at all.
    * The console is short (the log file has everything), and the names in checkpoints do not depend
      on the number of processes.
    * What steps log stays on the device until it is read (:class:`DeferredMessageHub`).
    * ``env_cfg`` has settings of the machine besides mmengine's (:func:`apply_settings`).
    """

    _resuming = False
    _rank_state: dict[str, Any] | None = None
    sampler_seed: int | None = None
    stream_state: dict[str, Any] | None = None
    _configured: ConfiguredOptimisers | None = None

    def setup_env(self, env_cfg: dict) -> None:
        """Set the process up.

        Args:
            env_cfg: mmengine's settings and those of :func:`apply_settings`.

        Raises:
            ValueError: If it has another key, or a value is out of its range.
        """
        check_values(dict(env_cfg=env_cfg))
        super().setup_env(env_cfg)
        apply_settings(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for several processes, which start from the first one's weights.

        The wrapper sees to the parameters alone; buffers that were drawn, such as projections, are
        passed on here.

        Args:
            model_wrapper_cfg: See ``Runner.wrap_model``.
            model: The model.

        Raises:
            ValueError: If processes have found other weights of a frozen network.
        """
        model = super().wrap_model(model_wrapper_cfg, model)
        found = all_gather_object(sorted(frozen_hashes(dict(model.named_buffers()))))
        if any(hashes != found[0] for hashes in found):
            raise ValueError(
                'the processes have different weights of a pretrained network (SHA-256 '
                f'{", ".join(" ".join(hashes) for hashes in found)}): install the same packages, '
                'or name the same file, on every machine'
            )
        for buffer in model.buffers():
            broadcast(buffer)
        return model

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

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a loader whose workers outlive a signal that all processes get.

        Args:
            dataloader: Its config, or the loader.
            seed: Of its sampler and its workers.
            diff_rank_seed: Whether ``seed`` is that of the rank alone.

        Returns:
            The loader.
        """
        built = Runner.build_dataloader(dataloader, seed, diff_rank_seed)
        if built is not dataloader:
            built.worker_init_fn = partial(begin_worker, os.getpid(), built.worker_init_fn)
        return built

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger, filter its console and bound its files."""
        return bound_log_files(quiet_console(super().build_logger(*args, **kwargs)))

    def dump_config(self) -> None:
        """Write the config to the work dir, but not over a file of the user's own that was read."""
        filename = self.cfg.filename
        is_there = filename and Path(filename).resolve().parent == Path(self.work_dir).resolve()
        if not is_there or is_recorded_config(filename):
            super().dump_config()
        elif changes := find_changes(load_config(filename), self.cfg):
            self.logger.warning(
                f'{filename} stays as it is, but other settings run: {describe_changes(changes)}; '
                f'{self.timestamp}/vis_data/config.py has all of them'
            )

    def register_hooks(
        self, default_hooks: dict | None = None, custom_hooks: list | None = None
    ) -> None:
        """Register the config's hooks and those that complete checkpoints.

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
        self.register_hook(RankStateHook())

    @property
    def is_resuming(self) -> bool:
        """Whether a checkpoint is being loaded to go on from it, in ``after_load_checkpoint``."""
        return self._resuming

    @property
    def shared_seed(self) -> int:
        """Seed of the training, the same on every rank."""
        ranks_differ = self._randomness_cfg.get('diff_rank_seed', False)
        return self.seed - get_rank() if ranks_differ else self.seed

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Go on from a checkpoint: weights, optimisers, log and iteration.

        Random numbers go on where they were, from :meth:`restore_rank_state` on. Settings are those
        of the config; one line says which of them differ from those of the checkpoint.

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
            if self._configured is not None:
                self._configured.replay(
                    self.optim_wrapper, self.param_schedulers, self.iter, self.epoch
                )
                self.message_hub.update_info('cfg', self.cfg.pretty_text)
        finally:
            self._resuming = False

    def restore_rank_state(self) -> None:
        """Take what the checkpoint that was resumed, if there was one, has of this rank alone.

        That is random numbers and accumulated gradients. Where the checkpoint was written by
        another number of processes, or before checkpoints held them, random numbers continue with
        a seed made of the training's seed and the iteration.
        """
        state, self._rank_state = self._rank_state, None
        if state is not None:
            set_random_state(state['random'], self.device)
            set_accumulated(self.optim_wrapper, state['accumulated'])
        elif self.iter:
            self.logger.info('the checkpoint has no random states of this rank: they are new')
            # `seed` is the rank's own already where ranks differ.
            set_random_seed(continued_seed(self.seed, self.iter), deterministic=self.deterministic)

    def load_or_resume(self) -> None:
        """Load or resume what the config says; ``resume`` alone takes the newest sound one."""
        if self._resume and self._load_from is None and not self._has_loaded:
            newest = latest_checkpoint(self.work_dir, load_resumable_file)
            self._resume, self._load_from = newest is not None, newest and str(newest)
        if isinstance(self.optim_wrapper, OptimWrapper):  # built, to be trained
            self._configured = ConfiguredOptimisers(self.optim_wrapper, self.param_schedulers)
        # A training that is just ending may save while the ranks of this one look for what it left;
        # and the launcher of one machine may be new where those of the others restart.
        choices = all_gather_object((self._resume, self._load_from))
        self._resume, self._load_from = next((c for c in choices if c[0]), choices[0])
        super().load_or_resume()

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        """Write a checkpoint, on all ranks.

        Args:
            out_dir: Its folder.
            filename: Its name.
            file_client_args: See ``Runner.save_checkpoint``.
            backend_args: See ``Runner.save_checkpoint``.
            **kwargs: See ``Runner.save_checkpoint``.

        Raises:
            OSError: If the disk is full or read-only. What was there before is as it was.
        """
        with pause_clock(self) as clock:
            if clock is not None:
                clock.note(self.message_hub)
            self.call_hook('before_gather_state')
            self.rank_states = gather_rank_states(self.model, self.optim_wrapper, self.device)
            write = partial(super().save_checkpoint, out_dir, backend_args=backend_args, **kwargs)
            backend = get_file_backend(out_dir, backend_args=backend_args)
            if file_client_args is not None or not isinstance(backend, LocalBackend):
                write(filename, file_client_args=file_client_args)
            elif is_main_process():
                try:
                    with whole_file(Path(out_dir) / filename) as path:
                        write(path.name)
                except OSError as error:
                    before = latest_checkpoint(self.work_dir)
                    kept = (
                        'nothing was saved before' if before is None else f'{before} is as it was'
                    )
                    raise OSError(f'{error}; the training stops, {kept}') from error

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
        if self._resuming:
            self._take_rank_state(filename, checkpoint)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        strict = strict or self._resuming
        model = unwrap(self.model)
        expected = portable_state(model)
        match = match_weights(checkpoint['state_dict'], expected, rename=not strict)
        if strict and not match.is_exact:
            raise ValueError(
                f'{filename} does not fit this config: {match.reason} ({match.describe()}); to '
                f'start anew from what fits, use {load_from_option(filename)}'
            )
        if not match.weights:
            raise ValueError(f'nothing in {filename} fits this config: {match.reason}')
        if self._resuming:
            self._take_settings(filename, checkpoint)
        for name, value in match.weights.items():
            expected[name] = value
        load_state_dict(model, expected, strict=True)
        self._has_loaded = True
        shown = shown_name(filename)
        self.logger.info(f'loaded {len(match.weights)} of {len(expected)} tensors from {shown}')
        if rest := match.describe(everything=False):
            self.logger.warning(f'not all of {shown} and this model match: {rest}')
            # Of several lines: for the log file only.
            self.logger.info(f'all that does not match:\n{match.describe(num=None)}')
        self._warn_of_frozen(model, match)
        return checkpoint

    def _take_rank_state(self, filename: str, checkpoint: dict[str, Any]) -> None:
        """Prepare what is this rank's own; its buffers join the weights."""
        states = checkpoint.get('ranks', [])
        self._rank_state = None
        self.sampler_seed = checkpoint.get('sampler_seed')
        try:
            if len(states) != get_world_size():
                return
            own = states[get_rank()]
            self._rank_state = dict(random=own['random'], accumulated=own['accumulated'])
            checkpoint['state_dict'].update(own['buffers'])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{filename} is damaged: its 'ranks' lack {error}") from error

    def _take_settings(self, filename: str, checkpoint: dict[str, Any]) -> None:
        """Let the config decide how the training goes on, and say what differs."""
        if self._configured is not None:
            try:
                said = settle_settings(checkpoint, self.cfg, self._configured)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise ValueError(
                    f'{filename} cannot be resumed: {error}; to start anew from its weights, use '
                    f'{load_from_option(filename)}'
                ) from error
            if said:
                self.logger.info(f'{Path(filename).name} goes on with other settings, {said}')
        self.stream_state = checkpoint.get('stream')

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
