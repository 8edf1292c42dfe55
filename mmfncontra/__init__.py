"""Train image generators on very few images with frequency-domain negatives (FNContra)."""

from .compat.nameless_user import name_user
from .version import __version__

__all__ = ['__version__']

name_user()  # whoever imports torch through this package, and before
