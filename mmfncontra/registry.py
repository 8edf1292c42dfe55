"""Registries of the scope ``mmfncontra``.

mmengine resolves ``scope.Name`` only among the direct children of its root registries, so ours hang
there, beside mmagic's. A registry imports its ``locations`` whole at the first look-up: they name
the light packages only, and ``mmfncontra.models.gans``, which needs mmagic, comes in through the
``custom_imports`` of a config.
"""

from typing import Any

from mmengine import registry as _mmengine
from mmengine.registry import Registry, build_runner_from_cfg

_SCOPE = 'mmfncontra'

MODELS = Registry(
    'model',
    parent=_mmengine.MODELS,
    scope=_SCOPE,
    locations=[
        'mmfncontra.models.archs',
        'mmfncontra.models.augments',
        'mmfncontra.models.contrasts',
        'mmfncontra.models.heads',
        'mmfncontra.models.layers',
        'mmfncontra.models.losses',
        'mmfncontra.models.negatives',
        'mmfncontra.models.objectives',
        'mmfncontra.models.pretrained',
        'mmfncontra.models.regularisers',
        'mmfncontra.models.views',
        'mmfncontra.models.wavelets',
    ],
)
DATASETS = Registry(
    'dataset', parent=_mmengine.DATASETS, scope=_SCOPE, locations=['mmfncontra.datasets']
)
TRANSFORMS = Registry(
    'transform',
    parent=_mmengine.TRANSFORMS,
    scope=_SCOPE,
    locations=['mmfncontra.datasets.transforms'],
)
HOOKS = Registry('hook', parent=_mmengine.HOOKS, scope=_SCOPE, locations=['mmfncontra.engine'])
OPTIM_WRAPPERS = Registry(
    'optimizer wrapper',
    parent=_mmengine.OPTIM_WRAPPERS,
    scope=_SCOPE,
    locations=['mmfncontra.engine'],
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=_mmengine.OPTIM_WRAPPER_CONSTRUCTORS,
    scope=_SCOPE,
    locations=['mmfncontra.engine'],
)
METRICS = Registry(
    'metric',
    parent=_mmengine.METRICS,
    scope=_SCOPE,
    locations=['mmfncontra.evaluation.metrics'],
)
RUNNERS = Registry(
    _mmengine.RUNNERS.name,
    build_func=build_runner_from_cfg,
    parent=_mmengine.RUNNERS,
    scope=_SCOPE,
    locations=['mmfncontra.engine'],
)
LOOPS = Registry('loop', parent=_mmengine.LOOPS, scope=_SCOPE, locations=['mmfncontra.engine'])

# Nothing of ours is registered in these. They exist because mmengine warns, at every build, of a
# default scope that lacks the registry it looks in.
for _name in (
    'RUNNER_CONSTRUCTORS',
    'DATA_SAMPLERS',
    'MODEL_WRAPPERS',
    'WEIGHT_INITIALIZERS',
    'OPTIMIZERS',
    'PARAM_SCHEDULERS',
    'EVALUATOR',
    'TASK_UTILS',
    'VISUALIZERS',
    'VISBACKENDS',
    'LOG_PROCESSORS',
    'FUNCTIONS',
):
    _root = getattr(_mmengine, _name)
    globals()[_name] = Registry(_root.name, parent=_root, scope=_SCOPE)


def build_model(cfg: dict | Any) -> Any:
    """Build a component from :data:`MODELS`, one of another mm project in that project's scope.

    ``mmagic.SNGANGenerator`` and its like build their own parts by plain names, which exist in the
    scope of mmagic only.

    Args:
        cfg: Config with a ``type``, plain or prefixed with a scope; anything else is returned.

    Returns:
        The component.
    """
    if not isinstance(cfg, dict):
        return cfg
    scope, _, name = str(cfg.get('type', '')).rpartition('.')
    if scope and scope.isidentifier() and scope != _SCOPE:
        cfg = {'_scope_': scope, **cfg, 'type': name}
    return MODELS.build(cfg)
