"""A doctor who looks at a training now and then."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer

from mmfncontra.datasets import resize_image
from mmfncontra.evaluation.doctor import LOGISTIC_CHANCE, Verdict, diagnose
from mmfncontra.evaluation.functional import pairwise_diversity
from mmfncontra.models.sampling import (
    calibrate_batchnorm,
    copy_generator,
    sample_images,
    to_arrays,
)
from mmfncontra.registry import HOOKS
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.files import write_json
from mmfncontra.utils.rng import isolated_rng
from mmfncontra.utils.unwrap import unwrap, unwrap_images

from ..logs.deferred_message_hub import MOST_KEPT
from .history import read_history
from .periodic_hook import PeriodicHook

_SIZE = 32  # pixels, where diversity is measured
_NUM_REAL = 64
_FEW_SKIPPED = 0.2  # share of the window; NonFiniteHook acts upon more


@HOOKS.register_module()
class RunDoctorHook(PeriodicHook):
    """Say in plain words what is going on in a training, and which knob to try next.

    Every ``interval`` iterations, and at the end, it looks at the losses, r_t, ADA's p, gradient
    norms and the diversity of samples from fixed noise, see
    :func:`mmfncontra.evaluation.doctor.diagnose`. A problem is logged as a warning. What is logged
    is also kept in ``{work_dir}/doctor.json``, a list of dicts with ``iteration``, ``verdict``,
    ``message`` and ``advice``; a run that resumes keeps what was said up to its iteration.

    The steps are as they were without it, to the bit, and none waits for the device: gradient norms
    stay there until the doctor looks. They and the diversity are logged, as
    ``grad_norm_<network>`` and ``diversity_ratio``.

    Args:
        interval: Iterations between two looks.
        window: Iterations that a problem must last; before there are as many, only explosions
            and collapses are found.
        num_images: Samples whose diversity is measured, at least 2.
        gradient_interval: Iterations between two gradient norms.
        repeat: Looks after which a verdict that stays is said again.
        seed: Seed of the samples' noise.

    Raises:
        ValueError: If a number is not a positive integer, ``num_images`` below 2, or ``window``
            more than half of what the message hub keeps.

    Example:
        >>> custom_hooks = [dict(type='RunDoctorHook', interval=500)]
    """

    priority = 'ABOVE_NORMAL'  # before the samples, which end a training that has diverged

    def __init__(
        self,
        interval: int = 500,
        window: int = 500,
        num_images: int = 16,
        gradient_interval: int = 10,
        repeat: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(interval)
        check_integers(window=window, gradient_interval=gradient_interval, repeat=repeat)
        if 2 * window > MOST_KEPT:
            raise ValueError(f'window must be at most {MOST_KEPT // 2}, got {window}')
        check_integers(2, num_images=num_images)
        check_integers(0, seed=seed)
        self.window = window
        self.num_images = num_images
        self.gradient_interval = gradient_interval
        self.repeat = repeat
        self.seed = seed

    def before_train(self, runner: Runner) -> None:
        """Read the history of a run that resumes, and listen to the gradients."""
        self._last_act = runner.iter
        self._gradients: dict[tuple[str, int], torch.Tensor] = {}
        self._handles = []
        if not is_main_process():
            return
        self._history = read_history(runner, _path(runner))
        last = max((entry['iteration'] for entry in self._history), default=0)
        self._said = {e['verdict']: last for e in self._history if e['iteration'] == last}
        self._real_diversity: float | None = None
        self._chance = _chance(unwrap(runner.model), self.seed)
        self._parts = {type(module).__name__ for module in unwrap(runner.model).modules()}
        wrapper = runner.optim_wrapper
        named = wrapper.items() if hasattr(wrapper, 'items') else [('model', wrapper)]
        for name, each in named:
            listen = self._listener(runner, f'grad_norm_{name}')
            self._handles.append(each.optimizer.register_step_pre_hook(listen))

    def after_train(self, runner: Runner) -> None:
        """Look once more, and listen no longer."""
        super().after_train(runner)
        for handle in self._handles:
            handle.remove()

    def _listener(self, runner: Runner, name: str) -> Callable[..., None]:
        def listen(optimizer: Optimizer, args: tuple, kwargs: dict) -> None:
            if runner.iter % self.gradient_interval:
                return
            gradients = [
                parameter.grad
                for group in optimizer.param_groups
                for parameter in group['params']
                if parameter.grad is not None
            ]
            # A step that is being recorded computes nothing yet, and its memory is the graph's.
            on_gpu = any(gradient.is_cuda for gradient in gradients)
            if on_gpu and torch.cuda.is_current_stream_capturing():
                return
            # One an iteration: an optimiser that calls its parent's step comes here twice.
            self._gradients[name, runner.iter] = torch.nn.utils.get_total_norm(gradients)

        return listen

    def before_gather_state(self, runner: Runner) -> None:
        """Write down the norms since the last look, for a checkpoint.

        Args:
            runner: The runner.
        """
        if self._gradients:
            norms = torch.stack(list(self._gradients.values())).tolist()  # one wait for the device
            for (name, _), norm in zip(self._gradients, norms, strict=True):
                runner.message_hub.update_scalar(f'train/{name}', norm)
            self._gradients.clear()

    def act(self, runner: Runner, iteration: int) -> None:
        """Look at the training."""
        if not is_main_process():
            return
        self.before_gather_state(runner)
        hub = runner.message_hub
        ratio = self._diversity_ratio(runner)
        if ratio is not None:
            hub.update_scalar('train/diversity_ratio', ratio)
        series = {
            name.removeprefix('train/'): buffer.data[0]
            for name, buffer in hub.log_scalars.items()
            if name.startswith('train/')
        }
        _leave_out_skipped(series, self.window)
        self._say(
            runner,
            iteration,
            diagnose(series, self.window, self.gradient_interval, self._chance, self._parts),
        )

    def _diversity_ratio(self, runner: Runner) -> float | None:
        """Diversity of samples over that of real images; ``None`` if it cannot be measured."""
        if self._real_diversity is None:
            self._real_diversity = _diversity(self._real_images(runner))
        generator = calibrate_batchnorm(copy_generator(runner.model), num_batches=4)
        try:
            samples = sample_images(generator, self.num_images, seed=self.seed)
        except ValueError as error:
            if 'not finite' not in str(error):
                raise
            return None  # the losses say so too
        return _diversity(samples) / self._real_diversity if self._real_diversity else None

    def _real_images(self, runner: Runner) -> np.ndarray:
        """Training images, evenly over the data set, as the model gets them."""
        dataset = runner.train_dataloader.dataset
        model = unwrap(runner.model)
        device = next(model.parameters()).device
        indices = np.linspace(0, len(dataset) - 1, min(_NUM_REAL, len(dataset))).round().astype(int)
        images = []
        with isolated_rng(self.seed, device):
            for index in indices:
                inputs = model.data_preprocessor(dict(inputs=[dataset[int(index)]['inputs']]))
                images.append(_reduce(to_arrays(unwrap_images(inputs['inputs']))))
        return np.concatenate(images)

    def _say(self, runner: Runner, iteration: int, verdicts: Collection[Verdict]) -> None:
        silence = self.repeat * self.interval
        said = {}
        news = []
        for verdict in verdicts:
            before = self._said.get(verdict.verdict)
            is_news = before is None or iteration - before >= silence
            said[verdict.verdict] = iteration if is_news else before
            if is_news:
                news.append(verdict)
        self._said = said
        for verdict in news:
            if verdict.verdict == 'healthy':
                runner.logger.info(f'doctor: healthy: {verdict.message}')
            else:
                runner.logger.warning(
                    f'doctor: {verdict.verdict}: {verdict.message}. Next: {verdict.advice}'
                )
            self._history.append(dict(iteration=iteration, **vars(verdict)))
        if news:
            write_json(_path(runner), self._history)


def _leave_out_skipped(series: dict[str, np.ndarray], window: int) -> None:
    """Leave out the iterations that changed nothing since they were not finite, if they are few."""
    skipped = series.pop('skipped', None)
    if skipped is None or skipped[-window:].mean() > _FEW_SKIPPED:
        return
    for name, values in series.items():
        if len(values) == len(skipped):
            series[name] = values[skipped == 0]
        elif name.startswith('grad_norm_'):
            series[name] = values[np.isfinite(values)]


def _reduce(images: np.ndarray) -> np.ndarray:
    return np.stack([resize_image(image, _SIZE) for image in images])


def _diversity(images: np.ndarray) -> float:
    return pairwise_diversity(_reduce(images))['mean'] if len(images) > 1 else 0.0


def _chance(model: nn.Module, seed: int) -> float:
    """The discriminator's loss of logits 0."""
    loss = getattr(model, 'adversarial_loss', None)
    if loss is None:
        return LOGISTIC_CHANCE
    zeros = torch.zeros(1024, 1)
    with isolated_rng(seed):  # margins may be drawn
        return float(sum(loss.disc_loss(zeros, zeros).values()))


def _path(runner: Runner) -> Path:
    return Path(runner.work_dir) / 'doctor.json'
