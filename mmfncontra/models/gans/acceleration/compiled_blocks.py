"""The blocks of a network compiled one by one."""

import copy
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.utils.parametrizations import _SpectralNorm

from mmfncontra.models.layers import ChainNorm


class _CompiledForward:
    """Stands in for a module's ``forward``; a copy of the module has its ordinary one."""

    def __init__(self, module: nn.Module, backend: str) -> None:
        self.module = module
        self.paused = False
        self._backend = backend
        self._parameters = list(module.parameters())
        self._compiled: dict[tuple[bool, ...], Callable] = {}

    def __call__(self, *args: object, **kwargs: object) -> object:
        if self.paused:
            return type(self.module).forward(self.module, *args, **kwargs)
        # torch 2.11 does not see that weights were frozen in between, or are not any more.
        trained = tuple(parameter.requires_grad for parameter in self._parameters)
        if trained not in self._compiled:
            # The same draws as without compilation.
            options = dict(fallback_random=True) if self._backend == 'inductor' else None
            # Or sizes that differ between blocks of a class count as unknown, for torch tells them
            # apart by the line of their code.
            self._compiled[trained] = torch.compile(
                _own_code(self.module), backend=self._backend, options=options, dynamic=False
            )
        return self._compiled[trained](self.module, *args, **kwargs)

    def __deepcopy__(self, memo: dict) -> Callable:
        owner = copy.deepcopy(self.module, memo)
        return types.MethodType(type(owner).forward, owner)


def _own_code(module: nn.Module) -> Callable:
    """A module's ``forward`` as a function of its own.

    torch keeps what it compiles by code, at most eight variants of each, and the blocks of a
    network are largely of one class.
    """
    forward = type(module).forward

    def run(module: nn.Module, *args: object, **kwargs: object) -> object:
        return forward(module, *args, **kwargs)

    return types.FunctionType(
        run.__code__.replace(), run.__globals__, run.__name__, None, run.__closure__
    )


def compile_blocks(
    network: nn.Module, taps: Sequence[str] = (), backend: str = 'inductor'
) -> list[nn.Module]:
    """Compile the blocks of a network, in place.

    Names of weights, hooks and copies stay as they are: of each block ``forward`` alone is
    compiled, so that what is hooked to it runs outside; what is hooked to, or read of, something
    inside a block breaks it up into its parts.

    Args:
        network: The network; it is not compiled itself, its children are.
        taps: Submodules whose outputs are read.
        backend: Compiler of ``torch.compile``.

    Returns:
        The modules that are compiled.
    """
    exposed = {network.get_submodule(name) for name in taps}
    # A backward is compiled as if the vectors of a norm stood still from its forward on; those of
    # LeanSpectralNorm, which is a hook, may move.
    kinds = (ChainNorm, _SpectralNorm)
    exposed |= {m for m in network.modules() if m._forward_hooks or isinstance(m, kinds)}
    blocks = [block for child in network.children() for block in _blocks(child, exposed)]
    for block in blocks:
        block.forward = _CompiledForward(block, backend)
    return blocks


def _blocks(module: nn.Module, exposed: set[nn.Module]) -> Iterator[nn.Module]:
    inside = set(module.modules()) - {module}
    if inside & exposed or type(module).forward is nn.Module.forward:
        for child in module.children():
            yield from _blocks(child, exposed)
    # CHAIN's layers change their buffers in the backward pass, which a compiler does not expect.
    elif not isinstance(module, ChainNorm) and any(True for _ in module.parameters()):
        yield module


@contextmanager
def uncompiled(network: nn.Module, when: bool = True) -> Iterator[None]:
    """Run the compiled blocks of a network as they were, for a second derivative.

    torch's compiler has none.

    Args:
        network: The network.
        when: Whether to do so.

    Yields:
        None
    """
    found = [vars(module).get('forward') for module in network.modules()] if when else []
    paused = [forward for forward in found if isinstance(forward, _CompiledForward)]
    for forward in paused:
        forward.paused = True
    try:
        yield
    finally:
        for forward in paused:
            forward.paused = False
