"""Pictures of trainings and images."""

from .curves import plot_curves, read_scalars
from .grids import make_grid, save_png
from .negatives_panel import plot_negatives

__all__ = ['make_grid', 'plot_curves', 'plot_negatives', 'read_scalars', 'save_png']
