"""Embeddings of all ranks, with gradient."""

import torch
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from torch import Tensor

# The size of the batches of this process and of all others, once it is known.
_agreed: list[int] = []


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


def gather_embeddings(embeddings: Tensor) -> Tensor:
    """Put the embeddings of all ranks one after the other.

    The gradient of a rank's embeddings is the sum of what the losses of all ranks say of them, so
    that gradients of weights, averaged over ranks as a distributed wrapper does, are those of the
    mean of the losses. All ranks call it, forwards and backwards, with batches of one size.

    Args:
        embeddings: Those of this rank, (B, E).

    Returns:
        Those of W ranks, (W·B, E), in the order of ranks; without a process group what was given.

    Raises:
        ValueError: If the batches of the first call differ in size between ranks, or a later one
            from them.

    Example:
        >>> gather_embeddings(torch.ones(2, 3)).shape
        torch.Size([2, 3])
    """
    if get_world_size() == 1:
        return embeddings
    _check_sizes(len(embeddings), embeddings.device)
    return _Gather.apply(embeddings)


def first_of_rank(embeddings: Tensor) -> int:
    """Row of :func:`gather_embeddings` at which this rank's own begin.

    Args:
        embeddings: Those of this rank, (B, E).
    """
    return get_rank() * len(embeddings)


def _check_sizes(size: int, device: torch.device) -> None:
    # Once, for the answer is waited for; another size later would leave the ranks waiting.
    sizes = [size, *_agreed]
    if not _agreed:
        sizes = [int(each) for each in all_gather(torch.tensor([size], device=device))]
    if len(set(sizes)) > 1:
        raise ValueError(
            f'gather=True needs batches of one size on all ranks and throughout, got {sizes}: set '
            'train_dataloader.drop_last=True, or the same batch_size everywhere'
        )
    _agreed[:] = sizes[:1]
