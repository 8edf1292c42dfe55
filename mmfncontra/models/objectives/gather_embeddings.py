"""Embeddings of all ranks, with gradient."""

import torch
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from torch import Tensor, nn


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, embeddings: Tensor) -> Tensor:
        ctx.size = len(embeddings)
        return torch.cat(all_gather(embeddings.contiguous()))

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        # Every rank's loss depends on these embeddings.
        gradient = gradient.clone()
        all_reduce(gradient)
        return gradient.narrow(0, get_rank() * ctx.size, ctx.size)


class GatherEmbeddings(nn.Module):
    """Puts the embeddings of all ranks one after the other.

    The gradient of a rank's embeddings is the sum of what the losses of all ranks say of them, so
    that gradients of weights, averaged over ranks as a distributed wrapper does, are those of the
    mean of the losses. All ranks call it, forwards and backwards, with batches of one size: each
    loss has a module of its own, which remembers that size.

    Example:
        >>> GatherEmbeddings()(torch.ones(2, 3)).shape
        torch.Size([2, 3])
    """

    def __init__(self) -> None:
        super().__init__()
        self._size: int | None = None

    def forward(self, embeddings: Tensor) -> Tensor:
        """Gather those of a batch.

        Args:
            embeddings: Those of this rank, (B, E).

        Returns:
            Those of W ranks, (W·B, E), in the order of ranks; without a process group what was
            given.

        Raises:
            ValueError: If the batches of the first call differ in size between ranks, or a later
                one from them.
        """
        if get_world_size() == 1:
            return embeddings
        self._check_size(len(embeddings), embeddings.device)
        return _Gather.apply(embeddings)

    @staticmethod
    def first(embeddings: Tensor) -> int:
        """Row of what is gathered at which this rank's own begin.

        Args:
            embeddings: Those of this rank, (B, E).
        """
        return get_rank() * len(embeddings)

    def _check_size(self, size: int, device: torch.device) -> None:
        if size == self._size:
            return
        if self._size is None:
            # Once, for the answer is waited for; another size later would leave ranks waiting.
            sizes = [int(each) for each in all_gather(torch.tensor([size], device=device))]
            found = f'{sizes} on the ranks'
        else:
            sizes = [self._size, size]
            found = f'{size} after {self._size}'
        if len(set(sizes)) > 1:
            raise ValueError(
                f'gather=True needs batches of one size on all ranks and throughout, got {found}: '
                'set train_dataloader.drop_last=True, or the same batch_size everywhere'
            )
        self._size = size
