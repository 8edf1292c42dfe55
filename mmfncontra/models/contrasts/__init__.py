"""Contrasts: what is set against what, by which losses, with which weights."""

from .fncontra import DIFFICULTIES, FNContra, Prototypes
from .self_information_weight import SelfInformationWeight, self_information

__all__ = ['DIFFICULTIES', 'FNContra', 'Prototypes', 'SelfInformationWeight', 'self_information']
