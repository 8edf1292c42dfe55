"""Train image generators on very few images with frequency-domain negatives (FNContra)."""

from .version import __version__

__all__ = ['__version__']
