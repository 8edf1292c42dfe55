"""Pictures of trainings and images. matplotlib is imported when a plot is asked for."""

from mmfncontra.utils.lazy_names import lazy_names

__all__ = ['make_grid', 'plot_curves', 'plot_negatives', 'read_scalars', 'save_png']

__getattr__ = lazy_names(
    __name__,
    {
        'make_grid': '.grids',
        'plot_curves': '.curves',
        'plot_negatives': '.negatives_panel',
        'read_scalars': '.curves',
        'save_png': '.grids',
    },
)
