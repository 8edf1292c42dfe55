"""Contrastive objectives: InfoNCE and its kin, cosines, gathering of embeddings."""

from .contrastive_objective import ContrastiveObjective
from .dcl import DCL
from .dclw import DCLW
from .debiased_info_nce import DebiasedInfoNCE
from .gather_embeddings import GatherEmbeddings
from .info_nce import InfoNCE
from .similarity import cosine, cosine_to_negatives, cosine_to_others

__all__ = [
    'DCL',
    'DCLW',
    'ContrastiveObjective',
    'DebiasedInfoNCE',
    'GatherEmbeddings',
    'InfoNCE',
    'cosine',
    'cosine_to_negatives',
    'cosine_to_others',
]
