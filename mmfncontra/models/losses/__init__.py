"""Losses: modules that map tensors to scalars."""

from .dwcl_loss import DWCLLoss
from .gather_embeddings import gather_embeddings
from .gwcl_loss import GWCLLoss, prototype_distance
from .hinge_gan_loss import HingeGANLoss
from .lecam_loss import LeCamLoss
from .logistic_gan_loss import LogisticGANLoss
from .lpips_reconstruction_loss import LPIPSReconstructionLoss
from .path_length_penalty import PathLengthPenalty
from .r1_penalty import R1Penalty
from .similarity import cosine, cosine_to_negatives
from .wavelet_l1_loss import WaveletL1Loss

__all__ = [
    'DWCLLoss',
    'GWCLLoss',
    'HingeGANLoss',
    'LPIPSReconstructionLoss',
    'LeCamLoss',
    'LogisticGANLoss',
    'PathLengthPenalty',
    'R1Penalty',
    'WaveletL1Loss',
    'cosine',
    'cosine_to_negatives',
    'gather_embeddings',
    'prototype_distance',
]
