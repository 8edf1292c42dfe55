"""Losses: modules that map tensors to scalars."""

from ..objectives import (
    DCL,
    DCLW,
    ContrastiveObjective,
    DebiasedInfoNCE,
    GatherEmbeddings,
    InfoNCE,
    cosine,
    cosine_to_negatives,
    cosine_to_others,
)
from .dwcl_loss import DWCLLoss
from .gwcl_loss import GWCLLoss, prototype_distance
from .hinge_gan_loss import HingeGANLoss
from .lecam_loss import LeCamLoss
from .logistic_gan_loss import LogisticGANLoss
from .lpips_reconstruction_loss import LPIPSReconstructionLoss
from .path_length_penalty import PathLengthPenalty
from .r1_penalty import R1Penalty
from .restoration_contrast_loss import RestorationContrastLoss, place_similarity
from .wavelet_l1_loss import WaveletL1Loss

__all__ = [
    'DCL',
    'DCLW',
    'ContrastiveObjective',
    'DWCLLoss',
    'DebiasedInfoNCE',
    'GWCLLoss',
    'GatherEmbeddings',
    'HingeGANLoss',
    'InfoNCE',
    'LPIPSReconstructionLoss',
    'LeCamLoss',
    'LogisticGANLoss',
    'PathLengthPenalty',
    'R1Penalty',
    'RestorationContrastLoss',
    'WaveletL1Loss',
    'cosine',
    'cosine_to_negatives',
    'cosine_to_others',
    'place_similarity',
    'prototype_distance',
]
