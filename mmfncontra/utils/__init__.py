"""What every room uses and nothing of this package stands under.

Light at import, nothing but the standard library. A few names of other rooms are looked up when
they are asked for, for those who import them from here.
"""

from .lazy_names import lazy_names

__all__ = ['check_versions', 'prepare_mmagic', 'prepare_mmpretrain']

__getattr__ = lazy_names(
    __name__,
    {
        'check_versions': 'mmfncontra.compat.versions',
        'prepare_mmagic': 'mmfncontra.compat.prepare_mmagic',
        'prepare_mmpretrain': 'mmfncontra.compat.prepare_mmpretrain',
    },
)
