"""A network that is used as it is: never trained, never saved."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

_HASH = 'weights_sha256'


class FrozenNetwork(nn.Module):
    """Holds a network out of sight of optimisers, checkpoints and data-parallel wrappers.

    It stays in evaluation mode whatever ``train()`` says, has no gradient of its own and hands one
    on to its input. Of its weights a checkpoint keeps the SHA-256 of their file alone, 32 numbers;
    a checkpoint that was trained with other weights is refused.

    Args:
        network: The network, changed in place.
        sha256: SHA-256 of the file of its weights, 64 hexadecimal digits.
        name: What messages call it.

    Attributes:
        weights_sha256: The hash, a buffer, uint8 (32,).
    """

    acts_by_sample = True

    def __init__(self, network: nn.Module, sha256: str, name: str) -> None:
        super().__init__()
        self.name = name
        # A tuple hides the network from state_dict, parameters(), train() and DDP.
        self._frozen = (network.requires_grad_(False).eval(),)
        digest = torch.tensor(list(bytes.fromhex(sha256)), dtype=torch.uint8)
        self.register_buffer('weights_sha256', digest)

    @property
    def network(self) -> nn.Module:
        """The frozen network."""
        return self._frozen[0]

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the file of the weights."""
        return bytes(self.weights_sha256.tolist()).hex()[:16]

    def _apply(self, fn: Callable, recurse: bool = True) -> 'FrozenNetwork':
        self.network._apply(fn)
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: object) -> None:
        kept = state_dict.get(f'{prefix}weights_sha256')
        if kept is not None and not torch.equal(kept.cpu(), self.weights_sha256.cpu()):
            theirs = bytes(kept.tolist()).hex()[:16]
            raise ValueError(
                f'the checkpoint was trained with weights of {self.name} whose SHA-256 begins with '
                f'{theirs}; those found here begin with {self.hash}: name the file it was '
                f'trained with'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)


def frozen_hashes(tensors: Mapping[str, Tensor]) -> frozenset[str]:
    """Hashes of the weights of the frozen networks within a model.

    By the features of networks that took part in a training it is not judged.

    Args:
        tensors: State dict of the model, or its buffers by name: a :class:`FrozenNetwork` has the
            hash among them.

    Returns:
        First 16 hexadecimal digits of the SHA-256 of each one's file.
    """
    digests = (value for name, value in tensors.items() if name.rpartition('.')[2] == _HASH)
    return frozenset(bytes(digest.tolist()).hex()[:16] for digest in digests)
