"""Spectral norms of a whole network moved on together, in a few launches for all of them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmfncontra.utils.precision import without_autocast

from .lean_spectral_norm import Ahead, LeanSpectralNorm


class JointSpectralNorm:
    """Moves the vectors of a network's spectral norms on, those of all its layers at once.

    It is a forward pre-hook of the network. A norm by itself asks a dozen small operations of a
    device, which take a GPU longer than the products among them; here they are done once, on the
    vectors of all layers laid end to end. Values differ by rounding alone. Layers in evaluation,
    and those called outside a forward of the network, see to themselves as before.

    Attributes:
        groups: How many batches the next forwards pass together, as if one after the other; each
            norm is then left its ``scales``, see :class:`LeanSpectralNorm`.
    """

    def __init__(self) -> None:
        self.groups = 1
        self._plans: dict[tuple, _Plan] = {}

    def __deepcopy__(self, memo: dict) -> 'JointSpectralNorm':
        # Plans are of the layers of one network.
        return JointSpectralNorm()

    def __call__(self, network: nn.Module, args: tuple, kwargs: Mapping) -> None:
        """Leave each norm what it needs for the forward that is to begin.

        Args:
            network: The network, whose ``idle_parts`` names what such a forward does not run.
            args: Of the forward.
            kwargs: Of the forward.
        """
        if not network.training:
            return
        idle = network.idle_parts(*args, **kwargs)
        if idle not in self._plans:
            self._plans[idle] = _Plan(network, idle)
        self._plans[idle].move_on(self.groups)


def normalise_jointly(network: nn.Module | None) -> None:
    """Let the spectral norms of a network move on together, where it can be known which will run.

    Args:
        network: One with a method ``idle_parts``, or anything else, which is left as it is. All its
            norms must be :class:`LeanSpectralNorm` with the same iterations.
    """
    norms = [] if network is None else [norm for _, norm in _spectral_norms(network)]
    alike = len({(norm.n_power_iterations, norm.eps) for norm in norms}) == 1
    if alike and hasattr(network, 'idle_parts'):
        network.register_forward_pre_hook(JointSpectralNorm(), with_kwargs=True)


def _spectral_norms(network: nn.Module) -> list[tuple[nn.Module, LeanSpectralNorm]]:
    return [
        (module, hook)
        for module in network.modules()
        for hook in module._forward_pre_hooks.values()
        if type(hook) is LeanSpectralNorm
    ]


class _Plan:
    """The layers that run in the forwards of a kind, and where their vectors lie end to end."""

    def __init__(self, network: nn.Module, idle: Sequence[str]) -> None:
        idle_ones = {module for name in idle for module in network.get_submodule(name).modules()}
        self._layers = [(m, norm) for m, norm in _spectral_norms(network) if m not in idle_ones]
        self._segments: dict[tuple, tuple[_Segments, _Segments]] = {}

    @torch.no_grad()
    def move_on(self, groups: int) -> None:
        layers = [(module, norm) for module, norm in self._layers if module.training]
        if not layers:
            return
        norms = [norm for _, norm in layers]
        weights = [getattr(module, f'{norm.name}_orig') for module, norm in layers]
        buffers = [[getattr(m, f'{norm.name}_{vector}') for m, norm in layers] for vector in 'uv']
        kinds = tuple((weight.shape, weight.device, weight.dtype) for weight in weights)
        if len({kind[1:] for kind in kinds}) > 1:
            return
        if kinds not in self._segments:
            self._segments[kinds] = tuple(_Segments(vectors) for vectors in buffers)
        rows, columns = self._segments[kinds]
        with without_autocast(weights[0].device):
            matrices = [
                norm.reshape_weight_to_matrix(weight)
                for norm, weight in zip(norms, weights, strict=True)
            ]
            transposed = [matrix.t() for matrix in matrices]
            u, sigmas = buffers[0], []
            for _ in range(groups):
                for _ in range(norms[0].n_power_iterations):
                    v = columns.normalise(columns.products(transposed, u), norms[0].eps)[0]
                    u, lengths, over = rows.normalise(rows.products(matrices, v), norms[0].eps)
                sigmas.append(lengths * lengths / over)  # u · Wv
                if len(sigmas) == 1:
                    first = u, v
            torch._foreach_copy_([*buffers[0], *buffers[1]], [*u, *v])
            pulls = rows.divide(torch.cat(first[0]), -sigmas[0])
        for norm, *ahead in zip(norms, *first, sigmas[0].unbind(), pulls, strict=True):
            norm.ahead = Ahead(*ahead)
        if groups > 1:
            scales = (sigmas[0] / torch.stack(sigmas)).t().contiguous()
            for norm, each in zip(norms, scales, strict=True):
                norm.scales = each


class _Segments:
    """Vectors of several lengths, one for each layer, laid end to end."""

    def __init__(self, vectors: Sequence[Tensor]) -> None:
        self.sizes = [len(vector) for vector in vectors]
        kind = dict(dtype=torch.long, device=vectors[0].device)
        # Made where it is used: nothing is copied from the host.
        self._layer = torch.cat(
            [torch.full((size,), layer, **kind) for layer, size in enumerate(self.sizes)]
        )

    def products(self, matrices: Sequence[Tensor], vectors: Sequence[Tensor]) -> Tensor:
        """Of each layer's matrix with its vector, (total,)."""
        flat = vectors[0].new_empty(len(self._layer))
        for matrix, vector, out in zip(matrices, vectors, flat.split(self.sizes), strict=True):
            torch.mv(matrix, vector, out=out)
        return flat

    def normalise(self, flat: Tensor, eps: float) -> tuple[Sequence[Tensor], Tensor, Tensor]:
        """Each layer's vector over its length; the lengths, and what was divided by, (layers,)."""
        lengths = torch.stack(torch._foreach_norm(flat.split(self.sizes)))
        over = lengths.clamp_min(eps)
        return self.divide(flat, over), lengths, over

    def divide(self, flat: Tensor, values: Tensor) -> Sequence[Tensor]:
        """Each layer's vector over the layer's value."""
        return (flat / values.index_select(0, self._layer)).split(self.sizes)
