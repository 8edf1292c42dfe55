"""Contrasts: what is set against what, by which losses, with which weights."""

from .embedding_queue import EmbeddingQueue
from .fncontra import FNContra, Prototypes
from .self_information_weight import SelfInformationWeight, self_information

__all__ = [
    'EmbeddingQueue',
    'FNContra',
    'Prototypes',
    'SelfInformationWeight',
    'self_information',
]
