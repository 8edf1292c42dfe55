"""Spectral normalisation as torch computes it, in fewer passes over the weights."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn.utils.spectral_norm import SpectralNorm

from mmfncontra.utils.precision import without_autocast


class Ahead(NamedTuple):
    r"""The vectors of a norm, moved on for the forward that is to come, without gradient.

    Attributes:
        u: Left singular vector, (rows,).
        v: Right one, (columns,).
        sigma: The spectral norm :math:`u^T W v`, ().
        pull: :math:`-u / \sigma`, (rows,).
    """

    u: Tensor
    v: Tensor
    sigma: Tensor
    pull: Tensor


class _Divided(torch.autograd.Function):
    r""":math:`\bar W = W / \sigma` with :math:`\sigma = u^T W v`, u and v held fixed.

    The gradient in closed form, g that of :math:`\bar W`:
    :math:`(g - \langle g, \bar W \rangle\, u v^T) / \sigma`.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, weight: Tensor, dim: int, *ahead: Tensor) -> Tensor:
        divided = weight / Ahead(*ahead).sigma
        ctx.save_for_backward(weight, divided, *ahead)
        ctx.dim = dim
        return divided

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Any, ...]:
        weight, divided, u, v, sigma, pull = ctx.saved_tensors
        by_row = weight.movedim(ctx.dim, 0)  # the matrix, unfolded
        if torch.is_grad_enabled():  # somebody differentiates again
            with without_autocast(weight.device):
                sigma = torch.dot(u, torch.mv(by_row.flatten(1), v))
            pull = -u / sigma
        if gradient.is_contiguous() and divided.is_contiguous():
            inner = torch.dot(gradient.flatten(), divided.flatten())
        else:  # to flatten weights laid out channels last is to copy them
            inner = (gradient * divided).sum()
        direction = torch.outer(pull * inner, v).view(by_row.shape).movedim(0, ctx.dim)
        return torch.addcdiv(direction, gradient, sigma), *[None] * 5


def _iterate(matrix: Tensor, u: Tensor, iterations: int, eps: float) -> list[Tensor]:
    """Move u and v on; return both, and the image of the new v."""
    for _ in range(iterations):
        v = F.normalize(torch.mv(matrix.t(), u), dim=0, eps=eps)
        image = torch.mv(matrix, v)
        u = F.normalize(image, dim=0, eps=eps)
    return [u, v, image]


# Opaque to torch's compiler, which would compute vectors of the forward anew in the backward, from
# buffers that this forward and the next ones have changed.
_iterate_opaquely = torch.library.custom_op(
    'mmfncontra::power_iteration',
    _iterate,
    mutates_args=(),
    schema='(Tensor matrix, Tensor u, int iterations, float eps) -> Tensor[]',
)


@_iterate_opaquely.register_fake
def _(matrix: Tensor, u: Tensor, iterations: int, eps: float) -> list[Tensor]:
    rows, columns = matrix.shape
    return [matrix.new_empty(rows), matrix.new_empty(columns), matrix.new_empty(rows)]


class LeanSpectralNorm(SpectralNorm):
    """The hook of ``torch.nn.utils.spectral_norm`` with its gradient in closed form.

    Same vectors, same weights, to rounding: a product with the weights less in the forward pass and
    a third of the passes over them in the backward one, and always in float32 under autocast, whose
    products of matrices and vectors are bfloat16 on a GPU.

    Source: Miyato et al., ICLR 2018, eq. 12 (the gradient).

    Attributes:
        ahead: What :class:`JointSpectralNorm` has moved on for the next forward, if it has.
        scales: If it has done so for several batches that pass together, what the layer's output
            for each of them is to be scaled by, (groups,).
    """

    ahead: Ahead | None = None
    scales: Tensor | None = None

    def compute_weight(self, module: nn.Module, do_power_iteration: bool) -> Tensor:
        """The weight over its spectral norm.

        Args:
            module: The layer.
            do_power_iteration: Whether to move the vectors on, in place.

        Returns:
            The normalised weight, of the weight's shape.
        """
        weight = getattr(module, f'{self.name}_orig')
        ahead, self.ahead = self.ahead, None
        if ahead is None:
            ahead = self._move_on(module, weight, do_power_iteration)
        return _Divided.apply(weight, self.dim, *ahead)

    def _move_on(self, module: nn.Module, weight: Tensor, do_power_iteration: bool) -> Ahead:
        u, v = (getattr(module, f'{self.name}_{vector}') for vector in 'uv')
        with without_autocast(weight.device), torch.no_grad():
            matrix = self.reshape_weight_to_matrix(weight)
            if do_power_iteration and torch.compiler.is_compiling():
                before = u, v
                u, v, image = _iterate_opaquely(matrix, u, self.n_power_iterations, self.eps)
                for buffer, vector in zip(before, (u, v), strict=True):
                    buffer.copy_(vector)
            elif do_power_iteration:
                for _ in range(self.n_power_iterations):
                    F.normalize(torch.mv(matrix.t(), u), dim=0, eps=self.eps, out=v)
                    image = torch.mv(matrix, v)
                    F.normalize(image, dim=0, eps=self.eps, out=u)
                # The next forward changes the vectors before the backward of this one.
                u, v = u.clone(), v.clone()
            else:
                image = torch.mv(matrix, v)
            sigma = torch.dot(u, image)
            return Ahead(u, v, sigma, u / -sigma)


def use_lean_spectral_norm(network: nn.Module) -> None:
    """Replace torch's spectral normalisation in a network by :class:`LeanSpectralNorm`, in place.

    Names and values of weights and vectors stay as they are.

    Args:
        network: Any network.
    """
    for module in network.modules():
        for key, hook in module._forward_pre_hooks.items():
            if type(hook) is SpectralNorm:
                module._forward_pre_hooks[key] = LeanSpectralNorm(**vars(hook))
