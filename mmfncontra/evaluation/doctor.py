"""What is going on in a GAN's training, in plain words, from the scalars that it logged."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mmfncontra.utils.checks import check_integers, check_positive

# loss_real + loss_fake of a logistic discriminator that answers 0 to everything.
LOGISTIC_CHANCE = 2 * math.log(2)

_DISC_LR = 'optim_wrapper.discriminator.optimizer.lr'
_GEN_LR = 'optim_wrapper.generator.optimizer.lr'


@dataclass(frozen=True)
class Verdict:
    """A finding.

    Args:
        verdict: Its key, such as 'overfitting'.
        message: What is going on, with the figures that say so.
        advice: The next knob to try, with its key in the config; empty if there is none to turn.
    """

    verdict: str
    message: str
    advice: str


def find_explosion(
    name: str,
    values: ArrayLike,
    window: int,
    factor: float = 100.0,
    floor: float = 1.0,
    limit: float = 1e4,
) -> Verdict | None:
    r"""Find values that are not finite, or that left their usual size behind.

    With the medians of :math:`|v|` over the last fifth of a window and over all that came before,
    the finding is :math:`m_{now} > \min(f \max(m_{before}, floor), limit)`. Single spikes do not
    move the medians.

    Args:
        name: What the values are, for the message.
        values: A loss or gradient norm, (N,), one value a step, the last one last.
        window: Values that count as recent.
        factor: f, growth that is an explosion.
        floor: Least size from which growth counts.
        limit: A size that is an explosion in itself.

    Returns:
        'exploding', or ``None``.

    Example:
        >>> find_explosion('loss_disc', [1.0] * 50 + [1e7] * 10, 50).message
        'loss_disc explodes: its size is 1e+07 now and was 1 before'
        >>> find_explosion('loss_disc', [1.0] * 59 + [1e7], 50) is None
        True
    """
    values = _array(values)
    recent = values[-window:]
    bad = int(np.count_nonzero(~np.isfinite(recent)))
    if bad:
        return Verdict(
            'exploding',
            f'{name} is not finite in {bad} of the last {len(recent)} values: the weights have '
            'diverged and do not recover',
            f'resume from a checkpoint before it with {_DISC_LR} and {_GEN_LR} halved; if a single '
            'step does it, set optim_wrapper.<network>.clip_grad=dict(max_norm=1.0)',
        )
    count = max(3, window // 5)
    if len(values) < count:
        return None
    now = float(np.median(np.abs(values[-count:])))
    past = np.abs(values[:-count])
    past = past[np.isfinite(past)]
    usual = float(np.median(past)) if len(past) >= count else None
    bound = limit if usual is None else min(limit, factor * max(usual, floor))
    if now <= bound:
        return None
    before = '' if usual is None else f' and was {usual:.3g} before'
    return Verdict(
        'exploding',
        f'{name} explodes: its size is {now:.3g} now{before}',
        f'halve {_DISC_LR} and {_GEN_LR}, or set '
        'optim_wrapper.<network>.clip_grad=dict(max_norm=1.0); resume from a checkpoint before it',
    )


def find_overfitting(
    r_t: ArrayLike,
    loss_real: ArrayLike,
    loss_fake: ArrayLike,
    window: int,
    chance: float = LOGISTIC_CHANCE,
    parts: Collection[str] = (),
) -> Verdict | None:
    r"""Find a discriminator that knows its training images by heart.

    That is: over a window the median of :math:`r_t = E[\operatorname{sign} D(x)]` is 0.9 or more,
    and that of ``loss_real + loss_fake`` at most a fifth of what guessing gives.

    Source: Karras et al., NeurIPS 2020, arXiv 2006.06676, §3.1 (:math:`r_t`).

    Args:
        r_t: Mean sign of the logits of real images, (N,).
        loss_real: Discriminator's adversarial loss of real images, (N,).
        loss_fake: The same of generated images, (N,).
        window: Values to look at; fewer give no verdict.
        chance: ``loss_real + loss_fake`` of logits 0.
        parts: Class names of what the model consists of; what it has is not advised again.

    Returns:
        'overfitting', or ``None``.

    Example:
        >>> find_overfitting([0.99] * 20, [0.01] * 20, [0.0] * 20, window=20).verdict
        'overfitting'
    """
    now = _medians(r_t, loss_real, loss_fake, window=window)
    if now is None or now[0] < 0.9 or now[1] + now[2] > 0.2 * chance:
        return None
    before = _array(r_t)[-2 * window : -window]
    earlier = f' ({np.median(before):.2f} in the window before)' if len(before) == window else ''
    return Verdict(
        'overfitting',
        'the discriminator overfits: it recognises almost every image, real or generated, and with '
        f'few images it does so by heart; r_t {now[0]:.2f}{earlier}, loss_real {now[1]:.2g}, '
        f'loss_fake {now[2]:.2g} over {window} iterations, guessing gives {chance:.2g} in sum',
        _against_overfitting(parts),
    )


def _against_overfitting(parts: Collection[str]) -> str:
    knobs = []
    if 'ADA' in parts:
        knobs.append(
            'let ADA act earlier and faster: model.augment.target below 0.6, '
            'model.augment.ada_kimg 100'
        )
    elif 'DiffAugment' in parts:
        knobs.append(
            "model.augment.policy='color,translation,cutout', or model.augment=dict(type='ADA')"
        )
    else:
        knobs.append("model.augment=dict(type='DiffAugment', policy='color,translation')")
    if 'FNContra' not in parts:
        knobs.append('model.contrast of configs/_base_/contrast/fncontra.py')
    if 'LeCamLoss' not in parts:
        knobs.append("model.disc_auxiliary_losses.lecam=dict(type='LeCamLoss', loss_weight=0.3)")
    knobs.append('a lower train_cfg.max_iters: keep the checkpoint with the best metrics')
    return '; then '.join(knobs)


def find_starvation(
    loss_real: ArrayLike,
    loss_fake: ArrayLike,
    gradients: ArrayLike,
    window: int,
    gradient_window: int,
    chance: float = LOGISTIC_CHANCE,
) -> Verdict | None:
    """Find a generator that the discriminator teaches nothing any more.

    That is: over a window the median of ``loss_real + loss_fake`` is at most a twentieth of what
    guessing gives, and the median norm of the generator's gradient a hundredth of that of the first
    window, or below 1e-7.

    Args:
        loss_real: Discriminator's adversarial loss of real images, (N,).
        loss_fake: The same of generated images, (N,).
        gradients: Norms of the generator's gradient since the start, (M,).
        window: Losses to look at; fewer give no verdict.
        gradient_window: The same for the gradients.
        chance: ``loss_real + loss_fake`` of logits 0.

    Returns:
        'starved', or ``None``.

    Example:
        >>> find_starvation([0.0] * 9, [0.0] * 9, [1.0] * 3 + [1e-4] * 3, 9, 3).verdict
        'starved'
    """
    gradients = _array(gradients)
    if len(gradients) < gradient_window:
        return None
    losses = _medians(loss_real, loss_fake, window=window)
    if losses is None or sum(losses) > 0.05 * chance:
        return None
    first, now = np.median(gradients[:gradient_window]), np.median(gradients[-gradient_window:])
    if not now < max(0.01 * first, 1e-7):
        return None
    return Verdict(
        'starved',
        'the generator is starved: the discriminator is right about everything and its gradient '
        f'has gone; gradient norm {now:.2g} (at first {first:.2g}), loss_real {losses[0]:.2g} and '
        f'loss_fake {losses[1]:.2g}',
        f'slow the discriminator down: halve {_DISC_LR}; then a penalty of its slope, '
        "model.disc_auxiliary_losses.r1=dict(type='R1Penalty')",
    )


def find_weakness(
    r_t: ArrayLike,
    loss_real: ArrayLike,
    loss_fake: ArrayLike,
    window: int,
    chance: float = LOGISTIC_CHANCE,
) -> Verdict | None:
    """Find a discriminator that guesses.

    That is: over a window the median of r_t is at most 0.05, and that of
    ``loss_real + loss_fake`` at least 0.95 times what guessing gives.

    Args:
        r_t: Mean sign of the logits of real images, (N,).
        loss_real: Discriminator's adversarial loss of real images, (N,).
        loss_fake: The same of generated images, (N,).
        window: Values to look at; fewer give no verdict.
        chance: ``loss_real + loss_fake`` of logits 0.

    Returns:
        'weak', or ``None``.

    Example:
        >>> find_weakness([-0.1] * 20, [0.7] * 20, [0.7] * 20, window=20).verdict
        'weak'
    """
    now = _medians(r_t, loss_real, loss_fake, window=window)
    if now is None or now[0] > 0.05 or now[1] + now[2] < 0.95 * chance:
        return None
    return Verdict(
        'weak',
        'the discriminator is too weak: it cannot tell real from generated images, so its gradient '
        f'says nothing; r_t {now[0]:.2f}, loss_real + loss_fake {now[1] + now[2]:.2g} over '
        f'{window} iterations, where guessing gives {chance:.2g}',
        f'raise {_DISC_LR}; then a wider discriminator (model.discriminator.base_channels) or less '
        'of model.augment',
    )


def find_leaking(p_ada: ArrayLike, window: int) -> Verdict | None:
    """Find an augmentation so frequent that the generator learns it.

    That is: the median of p over a window is 0.8, ADA's default maximum, or more.

    Source: Karras et al., NeurIPS 2020, arXiv 2006.06676, §2.2.

    Args:
        p_ada: Probability of the augmentations, (N,).
        window: Values to look at; fewer give no verdict.

    Returns:
        'leaking', or ``None``.

    Example:
        >>> find_leaking([0.8] * 20, window=20).verdict
        'leaking'
    """
    now = _medians(p_ada, window=window)
    if now is None or now[0] < 0.795:  # 0.8 in float32
        return None
    return Verdict(
        'leaking',
        'the augmentation leaks: it is applied so often that its rotations and colours are likely '
        f'to appear in the samples; ADA p {now[0]:.2f} over {window} iterations, safe below 0.8',
        'model.augment.maximum=0.6; then milder transforms, '
        "model.augment.categories='bg'; the overfitting behind it wants another cure, such as "
        'model.contrast or a LeCamLoss in model.disc_auxiliary_losses',
    )


def find_collapse(ratios: ArrayLike, measurements: int = 3) -> Verdict | None:
    """Find a generator whose samples are all alike.

    That is: the last samples had less than 0.3 of the diversity of the real images each time, and
    it does not rise as it does early in a training.

    Args:
        ratios: Diversity of samples over that of real images, (N,), oldest first.
        measurements: How many to look at; fewer give no verdict.

    Returns:
        'collapse', or ``None``.

    Example:
        >>> find_collapse([0.9, 0.1, 0.02, 0.02]).verdict
        'collapse'
        >>> find_collapse([0.05, 0.1, 0.2]) is None
        True
    """
    ratios = _array(ratios)[-measurements:]
    rises = ratios[-1] > max(0.05, 1.5 * ratios[0]) if len(ratios) else False
    if len(ratios) < measurements or ratios.max() >= 0.3 or rises:
        return None
    return Verdict(
        'collapse',
        'the generator has collapsed: different noise gives almost the same image; the samples '
        f'have {ratios[-1]:.0%} of the diversity of the real images '
        f'({", ".join(f"{ratio:.0%}" for ratio in ratios[:-1])} before)',
        f'resume from a checkpoint before it with {_GEN_LR} halved; then a larger '
        'train_dataloader.batch_size, or stronger model.augment',
    )


def diagnose(
    series: Mapping[str, ArrayLike],
    window: int = 500,
    gradient_every: int = 10,
    chance: float = LOGISTIC_CHANCE,
    parts: Collection[str] = (),
) -> list[Verdict]:
    """Look for everything that can go wrong.

    Args:
        series: Scalars by name, each from the start of the training on: ``loss_disc``,
            ``loss_gen``, ``loss_real``, ``loss_fake``, ``r_t`` and ``p_ada`` one an iteration,
            ``grad_norm_<network>`` every so many iterations, ``diversity_ratio`` every now and
            then. What is missing is not looked at.
        window: Iterations to look at; before there are as many, only explosions are found.
        gradient_every: Iterations from one gradient norm to the next.
        chance: ``loss_real + loss_fake`` of logits 0.
        parts: Class names of what the model consists of.

    Returns:
        The findings, the most urgent first; 'healthy' if there are none; nothing if there are too
        few values yet.

    Raises:
        ValueError: If a number is not positive.

    Example:
        >>> calm = dict(r_t=[0.4] * 20, loss_real=[0.5] * 20, loss_fake=[0.4] * 20)
        >>> print(diagnose(calm, window=20)[0].message)
        nothing stands out: r_t 0.4, loss_real 0.5, loss_fake 0.4
        >>> diagnose(calm, window=50)
        []
    """
    check_integers(window=window, gradient_every=gradient_every)
    check_positive(chance=chance)
    gradient_window = max(3, window // gradient_every)
    explosion = _first_explosion(series, window, gradient_window)
    if explosion is not None:  # the rest follows from it
        return [explosion]
    signs, real, fake = (series.get(name, ()) for name in ('r_t', 'loss_real', 'loss_fake'))
    gradients = series.get('grad_norm_generator', ())
    findings = (
        find_collapse(series.get('diversity_ratio', ())),
        find_starvation(real, fake, gradients, window, gradient_window, chance),
        find_overfitting(signs, real, fake, window, chance, parts),
        find_leaking(series.get('p_ada', ()), window),
        find_weakness(signs, real, fake, window, chance),
    )
    found = [verdict for verdict in findings if verdict is not None]
    return found or _healthy(series, window)


def _first_explosion(
    series: Mapping[str, ArrayLike], window: int, gradient_window: int
) -> Verdict | None:
    for name, values in series.items():
        finding = None
        if name.startswith('grad_norm_'):
            finding = find_explosion(name, values, gradient_window, 1000.0, 0.01, 1e6)
        elif name in ('loss_disc', 'loss_gen'):
            finding = find_explosion(name, values, window)
        if finding is not None:
            return finding
    return None


def _healthy(series: Mapping[str, ArrayLike], window: int) -> list[Verdict]:
    shown = {
        name: np.median(_array(series[name])[-window:])
        for name in ('r_t', 'loss_real', 'loss_fake', 'p_ada')
        if len(series.get(name, ())) >= window
    }
    if not shown:
        return []
    if len(series.get('diversity_ratio', ())):
        shown['diversity_ratio'] = series['diversity_ratio'][-1]
    figures = ', '.join(f'{name} {value:.2g}' for name, value in shown.items())
    return [Verdict('healthy', f'nothing stands out: {figures}', '')]


def _medians(*series: ArrayLike, window: int) -> list[float] | None:
    """Medians over the window, or ``None`` if a series is too short."""
    if any(len(values) < window for values in series):
        return None
    return [float(np.median(_array(values[-window:]))) for values in series]


def _array(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, np.float64)
