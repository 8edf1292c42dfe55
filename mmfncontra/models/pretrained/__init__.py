"""Networks with published weights, frozen: what looks at images, and is never trained."""

from .frozen_network import FrozenNetwork, frozen_hashes
from .shift_tolerant_lpips import ShiftTolerantLPIPS
from .timm_backbone import TimmBackbone

__all__ = ['FrozenNetwork', 'ShiftTolerantLPIPS', 'TimmBackbone', 'frozen_hashes']
