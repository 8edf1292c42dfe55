"""Small modules that networks of several rooms are made of."""

from .chain_norm import ChainNorm

__all__ = ['ChainNorm']
