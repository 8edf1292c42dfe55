"""A number that follows how far the discriminator overfits."""

import torch
from torch import Tensor, nn

from mmfncontra.utils.checks import check_integers, check_interval, check_positive


class AdaptiveStrength(nn.Module):
    r"""Strength of a regulariser, raised while the discriminator overfits and lowered otherwise.

    The heuristic is :math:`r_t = E[\operatorname{sign} D(x_{real})]`: 0 without overfitting, 1 when
    every real image is recognised. Every ``interval`` observations

    .. math::
        e \leftarrow m e + (1 - m)\, r_t, \qquad
        s \leftarrow \operatorname{clip}(s + \delta \operatorname{sign}(e - \tau), 0, s_{max}),

    with :math:`r_t` the mean over the images observed since the last update. It counts on the
    device, so that a step needs no host synchronisation, and all of its state is saved.

    Source: Karras et al., NeurIPS 2020, arXiv 2006.06676, §3.1.

    Args:
        target: :math:`\tau`, in (-1, 1).
        kimg: Thousands of images over which the strength can rise from 0 to 1, so that
            :math:`\delta` is the images since the last update over ``1000 * kimg``. Give this or
            ``step``.
        step: :math:`\delta` itself.
        maximum: :math:`s_{max}`, positive.
        initial: Strength at the start, in [0, ``maximum``].
        interval: Observations between two updates.
        momentum: :math:`m`, in [0, 1).

    Attributes:
        value: The strength, a buffer ().
        heuristic: The smoothed heuristic e, a buffer ().

    Raises:
        ValueError: If an argument is out of its range, or both or none of ``kimg`` and ``step`` are
            given.

    Example:
        >>> strength = AdaptiveStrength(target=0.6, step=0.1)
        >>> strength.observe(torch.ones(()), 8)
        >>> round(strength.value.item(), 3)
        0.1
    """

    def __init__(
        self,
        target: float,
        kimg: float | None = None,
        step: float | None = None,
        maximum: float = 1.0,
        initial: float = 0.0,
        interval: int = 1,
        momentum: float = 0.0,
    ) -> None:
        super().__init__()
        check_interval('(-1, 1)', target=target)
        if (kimg is None) == (step is None):
            raise ValueError(f'give one of kimg and step, got kimg={kimg} and step={step}')
        pace = dict(kimg=kimg) if step is None else dict(step=step)
        check_positive(**pace, maximum=maximum)
        check_interval(f'[0, {maximum}]', initial=initial)
        check_interval('[0, 1)', momentum=momentum)
        check_integers(interval=interval)
        self.target, self.kimg, self.step, self.maximum = target, kimg, step, maximum
        self.interval, self.momentum = interval, momentum
        self.register_buffer('value', torch.tensor(float(initial)))
        self.register_buffer('heuristic', torch.zeros(()))
        # Sum of signs, images and observations since the last update.
        self.register_buffer('window', torch.zeros(3))

    @torch.no_grad()
    def observe(self, sign_mean: Tensor, num_images: int) -> None:
        """Take in one discriminator step.

        Args:
            sign_mean: Mean sign of the logits of real images, (); the same on every rank.
            num_images: Real images behind it, those of all ranks.
        """
        self.window[0] += sign_mean * num_images
        self.window[1] += num_images
        self.window[2] += 1
        signs, images, observations = self.window
        due = observations >= self.interval
        smoothed = torch.lerp(signs / images, self.heuristic, self.momentum)
        step = self.step if self.kimg is None else images / (1000 * self.kimg)
        moved = self.value + step * torch.sign(smoothed - self.target)
        self.heuristic.copy_(torch.where(due, smoothed, self.heuristic))
        self.value.copy_(torch.where(due, moved.clamp(0, self.maximum), self.value))
        self.window.mul_(~due)
