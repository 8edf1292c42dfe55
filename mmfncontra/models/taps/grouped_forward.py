"""Several batches through a network at once, each treated as if it came alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from mmfncontra.utils.precision import without_autocast

from ..layers import JointSpectralNorm

_LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
# What treats every sample by itself; BatchNorm and spectral norm are seen to below.
_BY_SAMPLE = (
    *_LINEAR,
    *(nn.ReLU, nn.LeakyReLU, nn.SiLU, nn.GLU, nn.Sigmoid, nn.Tanh),
    *(nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample, nn.Flatten, nn.Identity),
)


def can_group(network: nn.Module) -> bool:
    """Whether :func:`forward_each` may pass a network's batches together.

    It may if nothing but BatchNorm mixes the samples of a batch: the discriminator says so by the
    attribute ``samples_meet_in_batchnorm_only``, and each of the layers that it is made of is known
    here or says so itself (``acts_by_sample``). What hangs on to the network by hooks of its own,
    such as a regulariser, rules it out, and so does compilation.

    Args:
        network: A discriminator with a contrastive head, distributed or not.
    """
    said = any(getattr(m, 'samples_meet_in_batchnorm_only', False) for m in network.modules())
    return said and all(_is_known(module) for module in network.modules())


def _is_known(module: nn.Module) -> bool:
    if 'forward' in vars(module):  # compiled: what is put in its place would be compiled anew
        return False
    hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    if any(not isinstance(hook, SpectralNorm | JointSpectralNorm) for hook in hooks):
        return False
    is_leaf = next(module.children(), None) is None
    said = getattr(module, 'acts_by_sample', False)
    return not is_leaf or said or isinstance(module, (*_BY_SAMPLE, _BatchNorm))


@torch.no_grad()
def forward_each(
    network: nn.Module, batches: Sequence[Tensor], **kwargs: object
) -> list[tuple[Any, Tensor | None, list[Tensor] | None]]:
    """Pass batches through a discriminator without gradient, as if one after the other.

    Where :func:`can_group` allows they pass as one batch, which is faster: each keeps its own
    BatchNorm statistics, and the running statistics and the vectors of spectral normalisation move
    on as in separate forwards.

    Args:
        network: A discriminator with a contrastive head.
        batches: Images, each (B, C, S, S).
        **kwargs: What the discriminator takes besides images; tensors such as ``label`` (B,) are
            the same for every batch.

    Returns:
        The discriminator's output for each batch: its own, the embedding (B, E) or ``None``, the
        prototypes or ``None``. Of batches that passed together its own output is left out
        (``None``).
    """
    groups = len(batches)
    if groups < 2 or not can_group(network):
        return [network(batch, **kwargs) for batch in batches]
    repeated = {
        name: torch.cat([value] * groups) if isinstance(value, Tensor) else value
        for name, value in kwargs.items()
    }
    with _grouped(network, groups):
        _, embedding, prototypes = network(torch.cat(list(batches)), **repeated)
    embeddings = [None] * groups if embedding is None else embedding.chunk(groups)
    maps = [None] * groups
    if prototypes is not None:
        maps = [list(each) for each in zip(*(p.chunk(groups) for p in prototypes), strict=True)]
    return [(None, *each) for each in zip(embeddings, maps, strict=True)]


@contextmanager
def _grouped(network: nn.Module, groups: int) -> Iterator[None]:
    """Within, a batch of equal groups passes as the groups would."""
    handles, norms, joint = [], [], []
    for module in network.modules():
        if isinstance(module, _BatchNorm) and module.training:
            module.forward = _by_group(module.forward, groups)
            norms.append(module)
        elif module.training:
            for hook in module._forward_pre_hooks.values():
                if isinstance(hook, SpectralNorm):
                    scaling = _GroupScale(hook, groups)
                    handles.append(module.register_forward_hook(scaling))
                elif isinstance(hook, JointSpectralNorm):
                    hook.groups = groups
                    joint.append(hook)
    try:
        yield
    finally:
        for hook in joint:
            hook.groups = 1
        for module in norms:
            del module.forward  # the class's own is found again
        for handle in handles:
            handle.remove()


def _by_group(forward: Callable[[Tensor], Tensor], groups: int) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cat([forward(group) for group in x.chunk(groups)])


class _GroupScale:
    """Makes of a linear layer's output under the first group's norm that under each group's own.

    Spectral normalisation has divided the weight by the estimate of its first iteration; a forward
    of its own for each group would have divided it by that of the second, the third and so on.
    """

    def __init__(self, norm: SpectralNorm, groups: int) -> None:
        self.norm = norm
        self.groups = groups

    def __call__(self, module: nn.Module, _: object, output: Tensor) -> Tensor:
        scales, self.norm.scales = getattr(self.norm, 'scales', None), None
        if scales is None:
            scales = self._move_on(module)
        scales = scales.to(output.dtype).view(-1, *[1] * output.ndim)
        by_group = output.unflatten(0, (self.groups, -1))
        by_group.mul_(scales)
        if module.bias is not None:
            by_group.add_(module.bias.view(-1, *[1] * (output.ndim - 2)) * (1 - scales))
        return output

    def _move_on(self, module: nn.Module) -> Tensor:
        norm = self.norm
        weight = norm.reshape_weight_to_matrix(getattr(module, f'{norm.name}_orig'))
        u, v = (getattr(module, f'{norm.name}_{each}') for each in 'uv')
        # As in LeanSpectralNorm: a GPU's products would be bfloat16, and the vectors with them.
        with without_autocast(weight.device):
            image = torch.mv(weight, v)
            estimates = [torch.dot(u, image)]
            for _ in range(self.groups - 1):
                for _ in range(norm.n_power_iterations):
                    F.normalize(torch.mv(weight.t(), u), dim=0, eps=norm.eps, out=v)
                    image = torch.mv(weight, v)
                    F.normalize(image, dim=0, eps=norm.eps, out=u)
                estimates.append(torch.dot(u, image))
        return estimates[0] / torch.stack(estimates)
