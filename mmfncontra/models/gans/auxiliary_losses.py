"""The further losses of a training step."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmfncontra.registry import build_model

from .check_parts import check_named


class AuxiliaryLosses(nn.ModuleDict):
    """Losses by name, each of tensors that it names, each every so many iterations.

    A loss says in ``inputs`` which tensors of the step it takes, and may say in ``interval`` that
    it is computed every so many iterations only (lazy regularisation, Karras et al., CVPR 2020);
    its value then carries that factor.

    Args:
        argument: Name of the argument of the model, for messages.
        configs: Configs of the losses by name.
        tensors: Names of the tensors that the step has.

    Raises:
        ValueError: If a loss takes a tensor that the step does not have.
    """

    def __init__(
        self, argument: str, configs: dict[str, dict] | None, tensors: Sequence[str]
    ) -> None:
        check_named(argument, configs)
        super().__init__({name: build_model(cfg) for name, cfg in (configs or {}).items()})
        for name, loss in self.items():
            if not hasattr(loss, 'inputs'):
                raise ValueError(
                    f'{argument}.{name} must be a loss that says its inputs, got '
                    f'{type(loss).__name__}'
                )
            missing = [tensor for tensor in loss.inputs if tensor not in tensors]
            if missing:
                raise ValueError(
                    f'{argument}.{name} ({type(loss).__name__}) takes {missing}; '
                    f'this step has {list(tensors)}'
                )

    def due(self, iteration: int) -> list[str]:
        """Names of the losses to compute in an iteration."""
        return [
            name for name, loss in self.items() if iteration % getattr(loss, 'interval', 1) == 0
        ]

    def taking(self, tensor: str, names: Sequence[str] | None = None) -> list[nn.Module]:
        """The losses, of ``names`` or of all, that take a tensor."""
        return [self[name] for name in (self if names is None else names) if tensor in
                self[name].inputs]  # fmt: skip

    def forward(self, names: Sequence[str], tensors: dict[str, Any]) -> dict[str, Tensor]:
        """Compute losses.

        Args:
            names: Those to compute.
            tensors: The step's tensors by name.

        Returns:
            Scalars by ``loss_<name>``.
        """
        return {
            f'loss_{name}': self[name](**{key: tensors[key] for key in self[name].inputs})
            for name in names
        }
