"""One optimiser for each of a GAN's networks."""

import logging

from mmengine.logging import print_log
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapperDict
from mmengine.registry import OPTIMIZERS
from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from mmfncontra.config.near_names import near_names
from mmfncontra.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmfncontra.utils.unwrap import unwrap


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MultiOptimWrapperConstructor:
    """Builds an ``OptimWrapperDict``: one wrapper for each child of the model that is named.

    Args:
        optim_wrapper_cfg: Config of an optimiser wrapper by name of a child, each with its
            ``optimizer`` and, where wanted, its ``paramwise_cfg``.
        paramwise_cfg: Belongs into the children's configs; mmengine passes it here.

    Raises:
        KeyError: If an optimiser is of no registered type, as mmengine says it of other components.
        ValueError: If the config is empty, a child has no ``optimizer`` or ``paramwise_cfg`` is
            given for all.

    Example:
        >>> optim_wrapper = dict(
        ...     constructor='MultiOptimWrapperConstructor',
        ...     generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))),
        ...     discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))),
        ... )
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if paramwise_cfg is not None:
            raise ValueError(
                'paramwise_cfg must be set for each network of optim_wrapper_cfg, '
                f'got {paramwise_cfg} for all of them'
            )
        if not optim_wrapper_cfg:
            raise ValueError('optim_wrapper_cfg must name the networks to train, got an empty dict')
        self.constructors = {}
        for name, cfg in optim_wrapper_cfg.items():
            if not isinstance(cfg, dict) or not isinstance(cfg.get('optimizer'), dict):
                raise ValueError(
                    f'optim_wrapper_cfg[{name!r}] must be a dict with the key optimizer, '
                    f'got {cfg!r}'
                )
            _check_type(cfg['optimizer'].get('type'))
            cfg = dict(cfg)
            child_paramwise = cfg.pop('paramwise_cfg', None)
            self.constructors[name] = DefaultOptimWrapperConstructor(cfg, child_paramwise)

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the wrappers.

        Args:
            model: The model, in a data-parallel wrapper or not.

        Returns:
            Wrappers by the names in the config.

        Raises:
            ValueError: If the model has no child of a name.
        """
        model = unwrap(model)
        children = dict(model.named_children())
        for name in self.constructors:
            if name not in children:
                raise ValueError(
                    f'optim_wrapper names {name!r}, which {type(model).__name__} does not have; '
                    f'its networks are {", ".join(near_names(name, children) or children)}'
                )
        wrappers = {name: build(children[name]) for name, build in self.constructors.items()}
        # CUDA graphs let any Adam count on the device.
        graphs = getattr(getattr(model, '_acceleration', None), 'graphs', None)
        for name, wrapper in wrappers.items():
            if graphs is None and waits_for_gpu(wrapper.optimizer):
                print_log(
                    f'optim_wrapper.{name}.optimizer makes the host wait for the GPU in every step '
                    'and copies all it knows: set fused=True',
                    logger='current',
                    level=logging.WARNING,
                )
        return OptimWrapperDict(**wrappers)


def waits_for_gpu(optimizer: Optimizer) -> bool:
    """Whether an optimiser counts its steps on the host, for weights that are on a GPU.

    Args:
        optimizer: Any; of Adam and AdamW the fused and capturable ones count on the device.
    """
    if not isinstance(optimizer, Adam | AdamW):
        return False
    return any(
        parameter.device.type == 'cuda' and not (group['fused'] or group['capturable'])
        for group in optimizer.param_groups
        for parameter in group['params']
    )


def _check_type(name: object) -> None:
    # mmengine 0.10 goes on to ask for the signature of None.
    with OPTIMIZERS.switch_scope_and_registry(None) as registry:
        if isinstance(name, str) and registry.get(name) is None:
            raise KeyError(f'{name} is not in the {registry.name} registry')
