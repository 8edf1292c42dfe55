"""Values that no training can start with, found before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .components import import_custom_modules
from .near_names import did_you_mean
from .rules import (
    CLOSED,
    DATASET_RULES,
    LOADER_RULES,
    LOADERS,
    NETWORK_SIZES,
    OPTIMIZER_RULES,
    RULES,
    SECTIONS,
    WRAPPER_RULES,
    is_dict,
    none_or,
    whole,
)

if TYPE_CHECKING:
    from mmengine.config import Config

_KNOWN_OPTIMIZERS = ('Adam', 'AdamW', 'SGD', 'RMSprop')
# Of mmengine, which would import torch.
_PRIORITIES = (
    *('HIGHEST', 'VERY_HIGH', 'HIGH', 'ABOVE_NORMAL', 'NORMAL', 'BELOW_NORMAL', 'LOW', 'VERY_LOW'),
    'LOWEST',
)
_BACKEND_PACKAGES = dict(TensorboardVisBackend='tensorboard', WandbVisBackend='wandb')
_PACKED = ('FewShotDataset', 'ProceduralShells')


def check_values(cfg: Config) -> None:
    """Check the values of what a training reads besides its components.

    Components check theirs when they are built; what is here would otherwise fail in another
    package, after minutes, or never show.

    Args:
        cfg: Config of a training, or what there is of it.

    Raises:
        ValueError: With the key, what it must be and what it is.
    """
    for key, rule in RULES.items():
        _check(cfg, key, *rule)
    for section in CLOSED:
        _check_keys(cfg, section)
    for loader in LOADERS:
        if loader != 'train_dataloader' and isinstance(cfg.get(loader), list | tuple):
            continue  # of mmagic's loops over several data sets
        _check(cfg, loader, none_or(is_dict), 'a dict')
        if cfg.get(loader) is not None:
            _check_loader(cfg, loader)
    _check_evaluation(cfg)
    _check_optimisers(cfg)
    _check_hooks(cfg)
    _check_backends(cfg)
    schedulers = cfg.get('param_scheduler')
    for i, scheduler in enumerate(schedulers if isinstance(schedulers, list | tuple) else ()):
        if 'type' not in scheduler:
            raise ValueError(
                f"param_scheduler.{i} must have a type, such as dict(type='LinearLR', …), got "
                f'{dict(scheduler)}'
            )
    train_cfg = cfg.get('train_cfg') or {}
    if 'type' in train_cfg and 'by_epoch' in train_cfg:
        raise ValueError(
            f'train_cfg.by_epoch must be left out beside train_cfg.type={train_cfg["type"]!r}, '
            f'got {train_cfg["by_epoch"]!r}'
        )
    for loader in LOADERS:  # last, for it may import mmagic
        _check_collate(cfg, loader)


def leaf_datasets(
    dataset: Mapping, key: str = 'train_dataloader.dataset'
) -> Iterator[tuple[str, Any]]:
    """Keys and configs of the data sets inside wrappers such as ``RepeatDataset``.

    Args:
        dataset: Config of a data set.
        key: Its key.
    """
    if dataset.get('datasets'):
        for i, inner in enumerate(dataset['datasets']):
            yield from leaf_datasets(inner, f'{key}.datasets.{i}')
    elif 'dataset' in dataset:
        yield from leaf_datasets(dataset['dataset'], f'{key}.dataset')
    else:
        yield key, dataset


_ABSENT = object()


def get_value(cfg: Any, key: str) -> Any:
    """The value at a dotted key of a config; an object of its own where there is none."""
    for part in key.split('.'):
        if (not isinstance(cfg, Mapping) and not hasattr(cfg, '_cfg_dict')) or part not in cfg:
            return _ABSENT
        cfg = cfg[part]
    return cfg


def _check(cfg: Any, key: str, test: Callable[[Any], bool], wanted: str, where: str = '') -> None:
    value = get_value(cfg, key)
    if value is not _ABSENT and not test(value):
        shown = repr(value)
        shown = shown if len(shown) <= 100 else f'{shown[:99]}…'
        raise ValueError(f'{where}{key} must be {wanted}, got {shown}')


def _check_keys(cfg: Any, section: str, known: Collection[str] = ()) -> None:
    known = known or SECTIONS[section]
    found = get_value(cfg, section)
    for key in found if isinstance(found, Mapping) else ():
        if key not in known:
            listed = ', '.join(sorted(known))
            if section == 'env_cfg':  # few keys, of which half are not mmengine's: all are told
                said = f'env_cfg must have keys of {listed}, got {key!r}'
                raise ValueError(said + did_you_mean(key, known))
            hint = did_you_mean(key, known, f'there are {listed}')
            raise ValueError(f'{section}.{key}: nothing reads this key{hint}')


def _check_loader(cfg: Config, name: str) -> None:
    loader = cfg[name]
    for key, rule in LOADER_RULES.items():
        _check(loader, key, *rule, where=f'{name}.')
    for key in ('persistent_workers', 'prefetch_factor'):
        if loader.get(key) and not loader.get('num_workers'):
            raise ValueError(
                f'{name}.{key}={loader[key]!r} needs {name}.num_workers of 1 or more, got '
                f'{loader.get("num_workers", 0)}: leave {key} out, or set num_workers'
            )
    if not isinstance(loader.get('sampler', {}), Mapping | None):
        raise ValueError(
            f"{name}.sampler must be a dict such as dict(type='InfiniteSampler'), got "
            f'{loader["sampler"]!r}'
        )
    if name == 'train_dataloader' and 'dataset' not in loader:
        raise ValueError(
            f"{name}.dataset is missing: set dict(type='FewShotDataset', data_root=…, size=…)"
        )
    if loader.get('dataset') is None:
        return
    for key, dataset in leaf_datasets(loader['dataset'], f'{name}.dataset'):
        if not isinstance(dataset, Mapping):
            raise ValueError(f"{key} must be a dict(type='…'), got {dataset!r}")
        kind = str(dataset.get('type')).rpartition('.')[2]
        for entry, rule in DATASET_RULES.items() if kind in _PACKED else ():
            _check(dataset, entry, *rule, where=f'{key}.')
        if kind in _PACKED and not dataset.get('pipeline'):
            raise ValueError(
                f"{key}.pipeline must end with dict(type='PackImages'), got "
                f'{dataset.get("pipeline")!r}'
            )


def _check_collate(cfg: Config, name: str) -> None:
    kind = get_value(cfg, f'{name}.collate_fn.type')
    if not isinstance(kind, str) or kind in ('default_collate', 'pseudo_collate'):
        return  # mmengine's; to look for another one, torch is imported
    from mmengine.registry import FUNCTIONS

    if FUNCTIONS.get(kind) is None:
        import_custom_modules(cfg)
    if FUNCTIONS.get(kind) is None:
        hint = did_you_mean(kind, FUNCTIONS.module_dict)
        raise ValueError(f'{name}.collate_fn.type: there is no function {kind!r}{hint}')


def _check_evaluation(cfg: Config) -> None:
    for kind in ('val', 'test'):
        keys = [f'{kind}_dataloader', f'{kind}_cfg', f'{kind}_evaluator']
        there = [key for key in keys if cfg.get(key) is not None]
        if len(there) in (1, 2):
            missing = ' and '.join(key for key in keys if key not in there)
            raise ValueError(
                f'{missing} must be set beside {" and ".join(there)}: set all three of '
                f'{", ".join(keys)}, or each to None'
            )


def _check_optimisers(cfg: Config) -> None:
    wrappers = cfg.get('optim_wrapper') or {}
    named = {'optim_wrapper': wrappers}
    if 'optimizer' not in wrappers:
        named = {
            f'optim_wrapper.{name}': wrapper
            for name, wrapper in wrappers.items()
            if isinstance(wrapper, Mapping)
        }
    for key, wrapper in named.items():
        for entry, rule in WRAPPER_RULES.items():
            _check(wrapper, entry, *rule, where=f'{key}.')
        optimizer = wrapper.get('optimizer') or {}
        if str(optimizer.get('type')) in _KNOWN_OPTIMIZERS:  # others may mean something else
            for entry, rule in OPTIMIZER_RULES.items():
                _check(optimizer, entry, *rule, where=f'{key}.optimizer.')
        _check_keys(cfg, f'{key}.clip_grad', SECTIONS['optim_wrapper.clip_grad'])
    kind = str((cfg.get('model') or {}).get('type')).rpartition('.')[2]
    missing = [name for name in ('generator', 'discriminator') if name not in wrappers]
    if kind == 'LimitedDataGAN' and wrappers and missing:
        raise ValueError(
            f'optim_wrapper.{missing[0]} is missing: {kind} trains two networks, with '
            "dict(constructor='MultiOptimWrapperConstructor', generator=dict(optimizer=…), "
            'discriminator=dict(optimizer=…))'
        )


def _check_hooks(cfg: Config) -> None:
    named = {
        f'default_hooks.{name}': hook for name, hook in (cfg.get('default_hooks') or {}).items()
    }
    named |= {f'custom_hooks.{i}': hook for i, hook in enumerate(cfg.get('custom_hooks') or ())}
    for key, hook in named.items():
        if hook is None:
            continue
        if not isinstance(hook, Mapping) or 'type' not in hook:
            raise ValueError(f"{key} must be a dict(type='…') with the name of a hook, got {hook}")
        priority = hook.get('priority', 50)
        is_level = whole(0)(priority) and priority <= 100
        if not is_level and str(priority).upper() not in _PRIORITIES:
            raise ValueError(
                f'{key}.priority must be one of {", ".join(_PRIORITIES)} or from 0 to 100, '
                f'got {priority!r}'
            )


def _check_backends(cfg: Config) -> None:
    """Backends import their package when the training starts, and mmengine names another one."""
    backends = (cfg.get('visualizer') or {}).get('vis_backends') or ()
    for i, backend in enumerate(backends if isinstance(backends, list | tuple) else ()):
        kind = backend.get('type') if is_dict(backend) else None
        package = _BACKEND_PACKAGES.get(kind) if isinstance(kind, str) else None
        if package is not None and find_spec(package) is None:
            raise ValueError(
                f'visualizer.vis_backends.{i}: {kind} needs {package}, which is not installed: '
                f'pip install --no-warn-conflicts {package}'
            )


def check_fit(cfg: Config) -> None:
    """Check that images, networks and batches of a training fit together.

    Args:
        cfg: Config of a training whose values are checked.

    Raises:
        ValueError: See :func:`check_image_size`, :func:`check_classes`, :func:`check_batch_size`.
    """
    check_image_size(cfg)
    check_classes(cfg)
    check_batch_size(cfg)


def check_image_size(cfg: Config) -> None:
    """Check that the images have the size of the networks, as far as the config names both.

    Args:
        cfg: Config of a training.

    Raises:
        ValueError: With the two keys whose values differ.
    """
    sizes = [
        (f'model.{network}.{key}', cfg.model[network][key])
        for network, keys in NETWORK_SIZES.items()
        for key in keys
        if key in (cfg.model.get(network) or ())
    ]
    sizes += [
        (f'{key}.size', dataset.size)
        for key, dataset in leaf_datasets(cfg.train_dataloader.dataset)
        if 'size' in dataset
    ]
    for key, size in sizes[1:]:
        if size != sizes[0][1]:
            raise ValueError(
                f'{key}={size!r} and {sizes[0][0]}={sizes[0][1]!r} must be the same: the '
                'networks and the real images have one size'
            )


def check_classes(cfg: Config) -> None:
    """Check that a class-conditional GAN gets labels of its classes.

    Args:
        cfg: Config of a training.

    Raises:
        ValueError: If the images have other classes, or their labels are not handed on.
    """
    num_classes = (cfg.model.get('generator') or {}).get('num_classes') or 0
    for key, dataset in leaf_datasets(cfg.train_dataloader.dataset):
        found = dataset.get('num_classes') or 0
        if found != num_classes:
            raise ValueError(
                f'{key}.num_classes={found} and model.generator.num_classes={num_classes} must be '
                'the same: the folders of the images are the classes'
            )
        packs = [
            step
            for step in dataset.get('pipeline') or ()
            if str(step.get('type')).rpartition('.')[2] == 'PackImages'
        ]
        if num_classes and not any('labels' in (step.get('extra_keys') or ()) for step in packs):
            raise ValueError(
                f"{key}.pipeline needs dict(type='PackImages', extra_keys=['labels']) for "
                f'model.generator.num_classes={num_classes}'
            )


def check_batch_size(cfg: Config) -> None:
    """Check that StyleGAN2's minibatch standard deviation can divide the batch into groups.

    Args:
        cfg: Config of a training.

    Raises:
        ValueError: If the batch is larger than a group and no multiple of it.
    """
    discriminator = cfg.model.get('discriminator') or {}
    if str(discriminator.get('type')).rpartition('.')[2] != 'StyleGAN2Discriminator':
        return
    group = (discriminator.get('mbstd_cfg') or {}).get('group_size', 4)
    batch = cfg.train_dataloader.get('batch_size', 1)
    if batch > group and batch % group:
        raise ValueError(
            f'train_dataloader.batch_size must be a multiple of {group} or below it, the '
            f'model.discriminator.mbstd_cfg.group_size, got {batch}'
        )
