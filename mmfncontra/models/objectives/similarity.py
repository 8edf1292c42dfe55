"""Cosine similarities between an embedding and its negatives."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from mmfncontra.utils.precision import widen, without_autocast


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity of two batches of embeddings.

    Args:
        a: Embeddings, (B, E).
        b: Embeddings, (B, E).

    Returns:
        Similarities in [-1, 1], (B,).
    """
    return F.cosine_similarity(widen(a), widen(b), dim=1)


def cosine_to_negatives(query: Tensor, negatives: Mapping[str, Tensor]) -> Tensor:
    """Cosine similarity of each query to its own negative, by level.

    Args:
        query: Embeddings, (B, E).
        negatives: Embeddings (B, E) by level of difficulty; K levels.

    Returns:
        Similarities, (K, B), in the order of ``negatives``.
    """
    return torch.stack([cosine(query, negative) for negative in negatives.values()])


def _units(x: Tensor) -> Tensor:
    # The least length is that of torch's cosine: a smaller one makes the gradient at 0 immense.
    return F.normalize(widen(x), dim=-1, eps=1e-8)


def cosine_to_all(query: Tensor, others: Tensor) -> Tensor:
    """Cosine similarity of each query to each of some embeddings.

    Args:
        query: Embeddings, (B, E).
        others: Embeddings, (N, E).

    Returns:
        Similarities, (B, N); 0 to an embedding of zeros.
    """
    return _units(query) @ _units(others).T.to(widen(query))


def cosine_to_own(query: Tensor, negatives: Mapping[str, Tensor]) -> Tensor:
    """Cosine similarity of each query to each of its own negatives, by level.

    Args:
        query: Embeddings, (B, E).
        negatives: Embeddings by level of difficulty: (B, E), all of which count, or n for each
            query (B, n, E), among which rows of zeros are empty places.

    Returns:
        Similarities, (K, B, n), in the order of ``negatives``; -inf where there is no negative.

    Raises:
        ValueError: If the levels do not hold equally many for each query.
    """
    if all(negative.ndim == 2 for negative in negatives.values()):
        return cosine_to_negatives(query, negatives).unsqueeze(2)
    several = {name: x.unsqueeze(1) if x.ndim == 2 else x for name, x in negatives.items()}
    counts = {name: x.size(1) for name, x in several.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f'negatives must hold equally many for each level, got {counts}')
    query = widen(query).unsqueeze(1)
    cosines = [F.cosine_similarity(query, widen(x), dim=2) for x in several.values()]
    is_empty = torch.stack([(x == 0).all(dim=2) for x in several.values()])
    return torch.stack(cosines).masked_fill(is_empty, -torch.inf)


def cosine_to_others(query: Tensor, others: Tensor, is_other: Tensor | None = None) -> Tensor:
    """Cosine similarity of each query to those of some embeddings that are negatives of it.

    Args:
        query: Embeddings, (B, E).
        others: Embeddings, (N, E), or each query's own selection, (B, N, E); rows of zeros are
            empty places.
        is_other: Which are negatives of which query, (B, N) bool; ``None``: all.

    Returns:
        Similarities, (B, N); -inf where there is no negative.
    """
    is_empty = (others == 0).all(dim=-1)
    with without_autocast(query.device):
        if others.ndim == 2:
            similarity = cosine_to_all(query, others)
        else:
            query, others = _units(query), _units(others)
            similarity = (others.to(query) @ query.unsqueeze(2)).squeeze(2)
    if is_other is not None:
        is_empty = is_empty | ~is_other
    return similarity.masked_fill(is_empty, -torch.inf)


def level_weights(
    names: Mapping[str, object], weights: Mapping[str, float | Tensor] | Tensor, like: Tensor
) -> Tensor:
    """Weights of the levels as one tensor.

    Args:
        names: The levels, K names in order.
        weights: A weight by level name, or a tensor (K,) in the same order.
        like: Gives the result its device and dtype.

    Returns:
        Weights, (K,).

    Raises:
        ValueError: If a level has no weight or the count differs.
    """
    kind = dict(dtype=like.dtype, device=like.device)
    if isinstance(weights, Mapping):
        missing = [name for name in names if name not in weights]
        if missing:
            raise ValueError(f'weights has no entry for {missing}; it has {list(weights)}')
        return torch.stack([torch.as_tensor(weights[name], **kind) for name in names])
    weights = torch.as_tensor(weights, **kind)
    if weights.shape != (len(names),):
        raise ValueError(
            f'weights must have one entry for each of {list(names)}, got shape '
            f'{tuple(weights.shape)}'
        )
    return weights
