"""One config, from its file to what a training is built of.

Refusals come before torch is imported, so nothing else is imported here.
"""

from mmfncontra.compat.lighter_imports import lighten_mmengine

lighten_mmengine()
