"""Embeddings of past batches."""

import torch
from torch import Tensor, nn

from mmfncontra.utils.checks import check_integers


class EmbeddingQueue(nn.Module):
    """The last embeddings that were pushed, first in, first out; checkpoints hold them.

    Nothing in a call depends on how many there are, so that it can be part of a CUDA graph.

    Args:
        size: Embeddings that are kept.
        channels: Numbers in an embedding.

    Attributes:
        embeddings: A buffer (size, channels), the newest first; rows of zeros are empty places.

    Raises:
        ValueError: If a number is not positive.

    Example:
        >>> queue = EmbeddingQueue(3, 2)
        >>> queue.push(torch.ones(2, 2))
        >>> queue.embeddings.sum(dim=1).tolist()
        [2.0, 2.0, 0.0]
    """

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        check_integers(size=size, channels=channels)
        self.register_buffer('embeddings', torch.zeros(size, channels))

    @torch.no_grad()
    def push(self, embeddings: Tensor) -> None:
        """Put embeddings in front; as many at the end fall out.

        Args:
            embeddings: (B, channels), without regard to their gradient. Those that are not finite
                leave an empty place.
        """
        new = embeddings.to(self.embeddings)
        new = new.where(new.isfinite().all(dim=1, keepdim=True), 0)
        joined = torch.cat([new, self.embeddings])
        self.embeddings.copy_(joined[: len(self.embeddings)])
