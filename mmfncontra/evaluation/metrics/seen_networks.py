"""Networks that took part in a training: by their features it is not judged."""

from collections.abc import Mapping

from torch import Tensor

_BUFFER = 'weights_sha256'


def frozen_hashes(tensors: Mapping[str, Tensor]) -> frozenset[str]:
    """Hashes of the weights of the frozen networks within a model.

    Args:
        tensors: State dict of the model, or its buffers by name: a
            :class:`~mmfncontra.models.pretrained.FrozenNetwork` has the hash among them.

    Returns:
        First 16 hexadecimal digits of the SHA-256 of each one's file.
    """
    digests = (value for name, value in tensors.items() if name.rpartition('.')[2] == _BUFFER)
    return frozenset(bytes(digest.tolist()).hex()[:16] for digest in digests)
