"""Models that train. They stand on mmagic, which is readied for today's torch first."""

from mmfncontra.compat.mmagic_fixes import fix_mmagic_networks
from mmfncontra.compat.prepare_mmagic import prepare_mmagic

prepare_mmagic()
fix_mmagic_networks()

from .discriminate import DiscriminatorOutput, discriminate  # noqa: E402
from .half_life_ema import HalfLifeEMA  # noqa: E402
from .limited_data_gan import LimitedDataGAN  # noqa: E402
from .moving_average import MovingAverage  # noqa: E402
from .stylegan2_generator import StyleGAN2Generator  # noqa: E402

__all__ = [
    'DiscriminatorOutput',
    'HalfLifeEMA',
    'LimitedDataGAN',
    'MovingAverage',
    'StyleGAN2Generator',
    'discriminate',
]
