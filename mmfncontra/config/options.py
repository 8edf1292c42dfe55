"""Changes to a config by options of a command: ``--cfg-options``, ``--data``, ``--amp``.

mmengine adds a key that it does not know, so that a typo trains with the old value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmfncontra.utils.console import warn
from mmfncontra.utils.files import expand_home

from .check import check_values, leaf_datasets
from .components import find_component
from .constructor_arguments import constructor_arguments
from .near_names import did_you_mean
from .rules import SECTIONS, WRAPPER

if TYPE_CHECKING:
    from mmengine.config import Config


# Sections of components by names of one's own.
_NAMED = ('model.disc_auxiliary_losses', 'model.gen_auxiliary_losses', 'model.regularisers')


def parse_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn ``key=value`` words into a dict, values as in other mm projects.

    Args:
        pairs: Such as ``train_cfg.max_iters=20`` or ``a.betas=(0.5,0.9)``; text with commas or
            brackets is quoted: ``load_from="a,b.pth"``.

    Returns:
        Values by dotted key.

    Raises:
        ValueError: If a word has no ``=`` or its brackets do not match.
    """
    if not pairs:
        return {}
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition('=')
        if not equals or not key:
            raise ValueError(f'--cfg-options takes key=value, got {pair!r}')
        try:
            options[key] = _read_value(value)
        except AssertionError as error:
            raise ValueError(f'--cfg-options {pair}: the brackets do not match') from error
    return options


def _read_value(text: str) -> Any:
    """A value as mmengine's ``DictAction`` reads it, but that names keep their spaces.

    Text in quotes is taken as it is, if it has commas, brackets or spaces.
    """
    from mmengine.config import DictAction

    text = text.strip()
    inner, quote = text[1:-1], text[:1]
    is_quoted = quote in ('"', "'") and text.endswith(quote) and quote not in inner
    if is_quoted and set(inner) & set(' ,()[]'):
        return inner
    if ' ' in text and ',' not in text and text[0] not in '[(':
        return text
    return DictAction._parse_iterable(text)


def apply_overrides(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merge options into a config, refusing keys that nothing would read.

    A top-level key is taken if the runner reads it; variables from which a config was put together
    are not read any more. A deeper one is taken if the config has it, if the runner reads it in
    that section, or if its section is a component (has a ``type``) whose constructor has an
    argument of that name. Empty sections, and those of components that take any keyword, are free.

    Its ``custom_imports`` are imported where a component is not found without them. The values of
    the result are checked: :func:`~mmfncontra.config.check.check_values`.

    Args:
        cfg: Changed in place.
        options: Values by dotted key.

    Raises:
        ValueError: With the key and those nearest to it; if text would replace a number; or if a
            value of the config cannot be right.
    """
    for key, value in options.items():
        _check(cfg, key, value)
    cfg.merge_from_dict(dict(options))
    check_values(cfg)


def _check(cfg: Config, key: str, value: Any) -> None:
    node: Any = cfg._cfg_dict
    path: list[str] = []
    for part in key.split('.'):
        where = '.'.join(path)
        if isinstance(node, list | tuple):
            if not part.isdigit() or int(part) >= len(node):
                raise ValueError(
                    f'--cfg-options {key}: {where} is a list of {len(node)}, so after it comes a '
                    f'number below that, not {part!r}'
                )
            node = node[int(part)]
        elif isinstance(node, dict):
            # A variable that the config's other parts were made of is read no more.
            if part not in node or (not path and part not in SECTIONS['']):
                _check_new_key(cfg, node, path, part, key)
                if '.'.join([*path, part]) not in SECTIONS:
                    return  # what a new section holds is for its component to check
                node = {}
            else:
                node = node[part]
        else:
            raise ValueError(
                f'--cfg-options {key}: {where} is {node!r} in this config, it has no keys'
            )
        path.append(part)
    is_number = isinstance(node, Number)
    if is_number and isinstance(value, str):
        raise ValueError(f'--cfg-options {key}: {value!r} cannot replace {node!r}: write a number')


def _check_new_key(cfg: Config, node: dict, path: list[str], part: str, key: str) -> None:
    allowed = _allowed(cfg, node, path)
    if allowed is None or part in allowed:
        return
    prefix = ''.join(f'{p}.' for p in path)
    if not path and part in (node.get('model') or ()):
        hint = f'; did you mean model.{part}?'
    elif not path and part in node:
        raise ValueError(
            f'--cfg-options {key}: nothing reads {part}, of which other parts of the config were '
            'made: change the keys where it is used'
        )
    else:
        known = f'there are {", ".join(sorted(map(str, allowed)))}'
        hint = did_you_mean(part, allowed, known, shown=prefix.__add__, cutoff=0.5)
    raise ValueError(f'--cfg-options {key}: nothing reads {prefix}{part}{hint}')


def _allowed(cfg: Config, node: dict, path: list[str]) -> set[str] | None:
    """Keys that a section may get; None means any."""
    where = '.'.join(path)
    if not path:
        return SECTIONS['']
    if where in _NAMED:
        return None
    allowed = set(node)
    if where in SECTIONS:
        allowed |= SECTIONS[where]
    elif not node:
        return None
    elif path[0] == 'optim_wrapper' and 'optimizer' in node:
        allowed |= WRAPPER
    if isinstance(node.get('type'), str):
        component = find_component(cfg, node['type'])
        arguments = None if component is None else constructor_arguments(component)
        if arguments is None:
            return None
        allowed |= arguments
    return allowed


def check_data_folder(data: str | Path) -> None:
    """Check that something is at the path of ``--data``; nothing is imported for it.

    Args:
        data: Folder or zip of images.

    Raises:
        FileNotFoundError: If nothing is there.
    """
    path = expand_home(data)
    if not path.exists():
        raise FileNotFoundError(f'--data {data}: there is no folder or zip at {path.absolute()}')


def set_data_root(cfg: Config, data: str | Path | None) -> None:
    """Point the training data at a folder, or check the one in the config.

    Args:
        cfg: Config of a training, changed in place.
        data: Folder or zip of images; None keeps the config's.

    Raises:
        FileNotFoundError: If nothing is at the path.
        ValueError: If the config needs a path and has none, or takes none.
    """
    datasets = [dataset for _, dataset in leaf_datasets(cfg.train_dataloader.dataset)]
    if data is not None:
        kinds = ', '.join(str(dataset.get('type')) for dataset in datasets)
        if len(datasets) > 1 or 'data_root' not in datasets[0]:
            why = 'names several data sets' if len(datasets) > 1 else 'reads no folder'
            raise ValueError(
                f'--data {data}: this config {why} ({kinds}); '
                'take one for a folder, such as configs/fncontra/fastgan-offline.py, or leave '
                '--data out'
            )
        check_data_folder(data)
        datasets[0].data_root = str(data)
    for dataset in datasets:
        if 'data_root' not in dataset:
            continue
        root = dataset.data_root
        if root is None:
            raise ValueError(
                'this config needs a folder of images: pass --data FOLDER '
                '(or set train_dataloader.dataset.data_root)'
            )
        if not expand_home(root).exists():
            own = Path(root).parts[:1] == ('data',)
            source = ' (docs/datasets.md says where they come from)' if own else ''
            raise FileNotFoundError(
                f'there are no images at {expand_home(root).absolute()}: put them there'
                f'{source} or pass --data FOLDER'
            )


def use_autocast(cfg: Config) -> None:
    """Train in bfloat16: every optimiser wrapper becomes an ``AutocastOptimWrapper``.

    Of networks that autocast does not reach a warning says what does.

    Args:
        cfg: Config of a training, changed in place.

    Raises:
        ValueError: If a wrapper is neither mmengine's plain one nor this one.
    """
    wrappers = cfg.optim_wrapper
    if 'optimizer' in wrappers:
        wrappers = {'': wrappers}
    for name, wrapper in wrappers.items():
        if not isinstance(wrapper, dict):
            continue
        kind = wrapper.get('type', 'OptimWrapper')
        if kind.rpartition('.')[2] not in ('OptimWrapper', 'AutocastOptimWrapper'):
            raise ValueError(
                f'--amp replaces an OptimWrapper, but optim_wrapper.{name} is a {kind}: '
                'leave --amp out'
            )
        wrapper.type = 'mmfncontra.AutocastOptimWrapper'
    for part in ('generator', 'discriminator'):
        network = cfg.model.get(part) or {}
        if str(network.get('type')).rpartition('.')[2].startswith('StyleGAN2'):
            warn(
                f"--amp leaves model.{part} in float32: the blocks of mmagic's StyleGAN2 choose "
                f'their precision themselves, model.{part}.num_fp16_scales=4 takes half precision '
                'in the four highest resolutions, on a GPU'
            )
