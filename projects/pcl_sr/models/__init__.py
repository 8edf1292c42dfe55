"""mmagic's super-resolution models with contrast; named in ``custom_imports``, it registers them.

An mmagic of 2023 has to be readied for today's packages before it is imported.
"""

from mmfncontra.compat.prepare_mmagic import prepare_mmagic

prepare_mmagic()

from .bicubic import BicubicUpsampling, upsample  # noqa: E402
from .contrastive_srgan import ContrastiveESRGAN, ContrastiveSRGAN  # noqa: E402
from .restoration_contrast import RestorationContrast  # noqa: E402

__all__ = [
    'BicubicUpsampling',
    'ContrastiveESRGAN',
    'ContrastiveSRGAN',
    'RestorationContrast',
    'upsample',
]
