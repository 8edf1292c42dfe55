"""What the values of a config must be, as far as a table can say it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any


def whole(minimum: int) -> Callable[[Any], bool]:
    """A test for integers of a minimum; ``True`` is none."""

    def test(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= minimum

    return test


def _count(value: Any) -> bool:  # of iterations, which may be written 1e5
    return _finite(value) and value >= 1 and value == int(value)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def none_or(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test that ``None`` passes too."""
    return lambda value: value is None or test(value)


def is_dict(value: Any) -> bool:
    """Whether a value is a section of a config."""
    return isinstance(value, Mapping)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is one or value == one for one in values)


def _path(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _configs(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(is_dict, value))


def _betas(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return is_pair and all(_finite(beta) and 0 <= beta < 1 for beta in value)


def _intervals(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and whole(0)(pair[0]) and _count(pair[1])
        for pair in value
    )


def _by_size(value: Any) -> bool:
    return is_dict(value) and all(whole(1)(size) and is_dict(value[size]) for size in value)


_SWITCH, _CONFIG = (_is_bool, 'True or False'), (is_dict, 'a dict')
_POSITIVE, _NOT_NEGATIVE = (whole(1), 'a positive integer'), (whole(0), 'an integer, 0 or more')
_SEED_END = 2**32
# Key -> test and words for what it must be; those of sections come before those inside of them.
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    'default_scope': (_path, "the name of a scope such as 'mmfncontra'"),
    'custom_imports': (none_or(is_dict), 'dict(imports=[…])'),
    'custom_imports.imports': (
        lambda value: (
            isinstance(value, str)
            or (isinstance(value, list | tuple) and all(isinstance(name, str) for name in value))
        ),
        'a list of names of modules',
    ),
    'model': _CONFIG,
    'model.generator': _CONFIG,
    'model.discriminator': (none_or(is_dict), 'a dict or None'),
    'train_dataloader': _CONFIG,
    'train_dataloader.dataset': _CONFIG,
    'by_size': (none_or(_by_size), 'changes by side in pixels, such as {64: dict(model=dict(…))}'),
    'train_cfg': _CONFIG,
    'train_cfg.max_iters': (_count, 'a number of iterations, 1 or more'),
    'train_cfg.val_interval': (_count, 'a number of iterations, 1 or more'),
    'train_cfg.val_begin': _NOT_NEGATIVE,
    'train_cfg.dynamic_intervals': (
        none_or(_intervals),
        'pairs of an iteration and the val_interval from there on, such as [(10000, 500)]',
    ),
    'train_cfg.device_images': (_one_of('auto', True, False), "'auto', True or False"),
    'optim_wrapper': _CONFIG,
    'val_evaluator': (
        lambda value: value is None or is_dict(value) or _configs(value),
        'dict(metrics=[…]), a list of metrics, or None',
    ),
    'param_scheduler': (
        lambda value: value is None or is_dict(value) or _configs(value),
        "a list of dict(type='…'), or None",
    ),
    'randomness': _CONFIG,
    'randomness.seed': (
        none_or(lambda value: whole(0)(value) and value < _SEED_END),
        f'an integer from 0 to {_SEED_END - 1}, or None for a random one',
    ),
    'randomness.deterministic': _SWITCH,
    'randomness.diff_rank_seed': _SWITCH,
    'env_cfg': _CONFIG,
    'env_cfg.cudnn_benchmark': _SWITCH,
    'env_cfg.tf32': (none_or(_is_bool), 'True or False'),
    'env_cfg.keep_freed_memory': (none_or(_is_bool), 'True or False'),
    'env_cfg.num_threads': (none_or(whole(1)), 'a positive integer'),
    'env_cfg.mp_cfg': (none_or(is_dict), 'a dict'),
    'env_cfg.mp_cfg.mp_start_method': (
        _one_of('fork', 'spawn', 'forkserver'),
        "'fork', 'spawn' or 'forkserver'",
    ),
    'env_cfg.mp_cfg.opencv_num_threads': _NOT_NEGATIVE,
    'default_hooks': (none_or(is_dict), 'hooks by name'),
    'default_hooks.checkpoint.interval': (
        lambda value: value == -1 or whole(1)(value),
        'a positive integer, or -1 for none',
    ),
    'default_hooks.checkpoint.max_keep_ckpts': (
        lambda value: value == -1 or whole(1)(value),
        'a positive integer, or -1 for all',
    ),
    'default_hooks.checkpoint.save_best': (
        lambda value: (
            value is None
            or _path(value)
            or (isinstance(value, list | tuple) and all(map(_path, value)))
        ),
        "the name of a metric, a list of them, 'auto' or None",
    ),
    'default_hooks.checkpoint.rule': (
        lambda value: all(
            one in (None, 'greater', 'less')
            for one in (value if isinstance(value, list | tuple) else [value])
        ),
        "'greater', 'less' or None, for each of save_best",
    ),
    'custom_hooks': (none_or(_configs), "a list of dict(type='…')"),
    'log_level': (
        lambda value: (
            isinstance(value, int)
            or (isinstance(value, str) and isinstance(logging.getLevelName(value), int))
        ),
        "'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
    ),
    'load_from': (none_or(_path), 'a .pth file or None'),
    'resume': (
        lambda value: value is None or _is_bool(value) or _path(value),
        'True, False or a .pth file',
    ),
    'work_dir': (none_or(_path), 'a folder'),
    'runner_type': (none_or(_path), "the name of a runner, 'mmfncontra.TrainingRunner'"),
    'sync_bn': (_one_of(None, 'torch', 'mmcv'), "'torch', 'mmcv' or None"),
}
LOADER_RULES = {
    'batch_size': _POSITIVE,
    'num_workers': _NOT_NEGATIVE,
    'persistent_workers': _SWITCH,
    'pin_memory': _SWITCH,
    'drop_last': _SWITCH,
    'collate_fn': (
        lambda value: value is None or callable(value) or (is_dict(value) and 'type' in value),
        "dict(type='…')",
    ),
}
OPTIMIZER_RULES = {
    'lr': (lambda value: _finite(value) and value >= 0, 'a number, 0 or more, such as 2e-4'),
    'betas': (_betas, 'two numbers, 0 or more and below 1, such as (0.5, 0.999)'),
    'weight_decay': (lambda value: _finite(value) and value >= 0, 'a number, 0 or more'),
    'eps': (lambda value: _finite(value) and value >= 0, 'a number, 0 or more, such as 1e-8'),
}
WRAPPER_RULES = {
    'optimizer': (lambda value: is_dict(value) and value.get('type'), "dict(type='Adam', lr=…)"),
    'accumulative_counts': _POSITIVE,
    'clip_grad': (none_or(is_dict), 'a dict such as dict(max_norm=1.0), or None'),
}
DATASET_RULES = {
    'data_root': (none_or(_path), 'a folder or zip of images'),
    'size': _POSITIVE,
    'num_classes': _NOT_NEGATIVE,
    'pipeline': (_configs, "a list of dict(type='…')"),
}
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_LOADER = {
    *('dataset', 'sampler', 'batch_sampler', 'shuffle', 'multiprocessing_context', 'generator'),
    *('timeout', 'worker_init_fn', 'prefetch_factor', 'pin_memory_device', 'in_order', 'type'),
    *('num_batch_per_epoch', 'disable_subprocess_warning'),
    *LOADER_RULES,
}
# Of an optimiser wrapper, which is optim_wrapper itself or one by name in it.
WRAPPER = {'type', 'paramwise_cfg', *WRAPPER_RULES}
# Section -> all keys that something reads there; '' is the config itself. They are arguments of
# mmengine's Runner and train loop and of torch's DataLoader, which importing those would tell, and
# what mmengine and we add.
SECTIONS: dict[str, set[str]] = {
    '': {
        *('model', 'work_dir', *LOADERS),
        *('train_cfg', 'val_cfg', 'test_cfg', 'auto_scale_lr', 'optim_wrapper', 'param_scheduler'),
        *('val_evaluator', 'test_evaluator', 'default_hooks', 'custom_hooks', 'data_preprocessor'),
        *('load_from', 'resume', 'launcher', 'env_cfg', 'log_processor', 'log_level', 'visualizer'),
        *('default_scope', 'randomness', 'experiment_name', 'cfg', 'custom_imports', 'compile'),
        *('find_unused_parameters', 'model_wrapper_cfg', 'sync_bn', 'runner_type'),
    },
    'train_cfg': {
        *('type', 'by_epoch', 'max_iters', 'val_begin', 'val_interval', 'dynamic_intervals'),
    },
    **dict.fromkeys(LOADERS, _LOADER),
    'val_evaluator': {'type', 'metrics'},
    'optim_wrapper.clip_grad': {
        *('type', 'max_norm', 'norm_type', 'error_if_nonfinite', 'foreach', 'clip_value'),
    },
    'randomness': {'seed', 'deterministic', 'diff_rank_seed'},
    'env_cfg': {
        *('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
        *('tf32', 'keep_freed_memory', 'num_threads'),
    },
    'env_cfg.mp_cfg': {'mp_start_method', 'opencv_num_threads'},
    'env_cfg.dist_cfg': {'backend', 'timeout'},
    'default_hooks': {
        *('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint'),
    },
}
# Arguments of networks for the side of an image; mmagic's call it a scale.
NETWORK_SIZES = {
    'generator': ('out_size', 'output_scale'),
    'discriminator': ('in_size', 'input_scale'),
}
# In these a key beyond the table is a mistake of the config itself.
CLOSED = (
    *LOADERS,
    *('val_evaluator', 'randomness', 'env_cfg', 'env_cfg.mp_cfg'),
)
