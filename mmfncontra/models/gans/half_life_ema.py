"""Moving average of a generator by its half-life."""

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_positive

from .moving_average import MovingAverage


@MODELS.register_module()
class HalfLifeEMA(MovingAverage):
    r"""Average of weights that forgets by images, not by iterations.

    After a step on n images, with N images seen before,

    .. math::
        w_{ema} \leftarrow \beta\, w_{ema} + (1 - \beta)\, w, \qquad
        \beta = 0.5^{\,n / \min(1000\,h,\ \rho N)},

    with half-life h in thousands of images: early in a training it is a share :math:`\rho` of the
    images seen, so that the first, bad weights are forgotten. Buffers are copied.

    Source: Karras et al., CVPR 2020 and NeurIPS 2020 (StyleGAN2-ADA), appendix.

    Args:
        model: The generator.
        half_life_kimg: h, thousands of images.
        ramp_up: :math:`\rho`; ``None`` has the full half-life from the start.

    Attributes:
        images_per_step: Images behind an update, of all ranks; whoever updates the average sets it.

    Raises:
        ValueError: If a number is not positive.
    """

    def __init__(
        self, model: nn.Module, half_life_kimg: float = 10.0, ramp_up: float | None = 0.05
    ) -> None:
        super().__init__(model)
        check_positive(half_life_kimg=half_life_kimg)
        if ramp_up is not None:
            check_positive(ramp_up=ramp_up)
        self.half_life_kimg = half_life_kimg
        self.ramp_up = ramp_up
        self.images_per_step = 1

    def _share(self) -> Tensor:
        # On the device: a graph that is replayed counts its own steps.
        half_life = torch.full((), 1000.0 * self.half_life_kimg, device=self.steps.device)
        if self.ramp_up is not None:
            half_life = half_life.minimum(self.ramp_up * self.steps * self.images_per_step)
        return 1 - 0.5 ** (self.images_per_step / half_life)
