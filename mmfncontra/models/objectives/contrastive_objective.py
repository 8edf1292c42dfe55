"""What the contrastive objectives have in common."""

import math
from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_positive

from .similarity import cosine, cosine_to_others, cosine_to_own, level_weights


class ContrastiveObjective(nn.Module):
    r"""How far a query's positive is ahead of its negatives.

    A query has negatives of its own, such as degraded copies, in levels, and others that are not
    made from it: further images of the batch, a queue of past ones, mixes of these. With
    :math:`N_k` the own negatives of level k and all others, an objective has a term for each level
    and query; the loss is :math:`\sum_k w_k \, \mathrm{mean}_B \, \mathrm{term}_k`. Without levels
    there is one term, of weight 1.

    Args:
        temperature: :math:`\tau`, positive.

    Attributes:
        needs_others: Whether it means nothing without negatives that are other images.
        gather: Whether means over the batch are those over the batches of all ranks. A loss that
            gathers embeddings sets it.

    Raises:
        ValueError: If ``temperature`` is not positive.
    """

    role = 'objective'
    needs_others = False

    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__()
        check_positive(temperature=temperature)
        self.temperature = temperature
        self.gather = False

    def forward(
        self,
        query: Tensor,
        positive: Tensor,
        negatives: Mapping[str, Tensor] | None = None,
        weights: Mapping[str, float | Tensor] | Tensor | None = None,
        others: Tensor | None = None,
        is_other: Tensor | None = None,
    ) -> Tensor:
        """Loss of a batch.

        Args:
            query: Embeddings, (B, E).
            positive: Embeddings of their positives, (B, E).
            negatives: Embeddings of their own negatives by level: (B, E), all of which count, or
                n of them (B, n, E), among which rows of zeros are empty places.
            weights: :math:`w_k` by level name, or a tensor (K,); ``None``: 1 each.
            others: Embeddings of other images, (N, E), or each query's own selection (B, N, E);
                rows of zeros are empty places.
            is_other: Which of ``others`` are negatives of which query, (B, N) bool; ``None``: all.

        Returns:
            The loss, a scalar.

        Raises:
            ValueError: If there is no negative at all, or not what the objective needs, or there
                are not as many positives as queries.
        """
        check_pairs(query, positive)
        if is_other is not None and others is None:
            raise ValueError('is_other needs others, got none')
        terms = self.terms(
            cosine(query, positive),
            cosine_to_own(query, negatives) if negatives else None,
            None if others is None else cosine_to_others(query, others, is_other),
        ).mean(dim=1)
        if not negatives or weights is None:
            return terms.sum()
        return (level_weights(negatives, weights, terms) * terms).sum()

    def terms(
        self, to_positive: Tensor, to_own: Tensor | None = None, to_others: Tensor | None = None
    ) -> Tensor:
        """The terms of a batch from its similarities.

        Args:
            to_positive: Cosine of each query to its positive, (B,).
            to_own: Cosines to its own negatives, n in each of K levels, (K, B, n).
            to_others: Cosines to other images, (B, N); -inf where there is no negative.

        Returns:
            A term for each level and query, (K, B); (1, B) without levels. A query without any
            negative has the term 0.

        Raises:
            ValueError: If there is no negative at all, or not what the objective needs.
        """
        if to_others is None and (to_own is None or self.needs_others):
            name = type(self).__name__
            wanted = 'negatives that are other images' if self.needs_others else 'negatives'
            raise ValueError(f'{name} needs {wanted}, got none')
        # A query without a negative is computed with one, and left out below.
        if to_own is None:
            is_alone = to_others.isneginf().all(dim=1)
            to_others = to_others.masked_fill(is_alone.unsqueeze(1), 0.0)
        else:
            is_alone = to_own.isneginf().all(dim=2)
            if to_others is not None:
                is_alone = is_alone & to_others.isneginf().all(dim=1)
            to_own = to_own.masked_fill(is_alone.unsqueeze(2), 0.0)
        own, others = (
            None if each is None else (each - to_positive.unsqueeze(1)) / self.temperature
            for each in (to_own, to_others)
        )
        return self.contrast(to_positive, own, others).masked_fill(is_alone, 0.0)

    @abstractmethod
    def contrast(self, to_positive: Tensor, own: Tensor | None, others: Tensor | None) -> Tensor:
        r"""The terms from how far the negatives are ahead of the positive.

        Args:
            to_positive: Cosine to the positive, (B,).
            own: :math:`(s_j - s^+) / \tau` of own negatives, (K, B, n).
            others: The same of other images, (B, N); -inf where there is no negative.

        Returns:
            Terms, (K, B) or (1, B).
        """

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'temperature={self.temperature}'


def build_objective(config: dict | None, temperature: float) -> ContrastiveObjective:
    """Build the objective of a loss, which has the temperature.

    Args:
        config: Config of it, without a temperature; ``None``: ``InfoNCE``.
        temperature: Of the loss, positive.

    Raises:
        ValueError: If it is no config, has a temperature, or is no objective.
    """
    if config is not None and not isinstance(config, dict):
        raise ValueError(f"objective must be a config such as dict(type='DCL'), got {config!r}")
    config = dict(dict(type='mmfncontra.InfoNCE') if config is None else config)
    if 'temperature' in config:
        raise ValueError(
            'objective has the temperature of the loss: give it as temperature, not in objective, '
            f'got {config["temperature"]}'
        )
    kind = config.get('type')
    if not kind:
        raise ValueError(f"objective must have a type, as in dict(type='DCL'), got {config}")
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and (
        not issubclass(kind, ContrastiveObjective) or kind is ContrastiveObjective
    ):
        raise ValueError(
            'objective must be a ContrastiveObjective such as InfoNCE, DCL or DebiasedInfoNCE, '
            f'got {kind.__name__}'
        )
    return MODELS.build(dict(config, temperature=temperature))


def check_pairs(query: Tensor, positive: Tensor) -> None:
    """Check that each query has a positive, for one of them would serve all in silence."""
    if query.shape != positive.shape:
        raise ValueError(
            'positive must have the shape of query, (B, E), got '
            f'{tuple(positive.shape)} and {tuple(query.shape)}'
        )


def log_sum(own: Tensor | None, others: Tensor | None) -> Tensor:
    r""":math:`\log \sum_j e^{g_j}` over a level's own negatives and all others.

    Args:
        own: :math:`g_j` of own negatives, (K, B, n).
        others: Of other images, (B, N).

    Returns:
        (K, B); (1, B) without own negatives.
    """
    if own is None:
        return others.logsumexp(dim=1).unsqueeze(0)
    if others is not None:
        own = torch.cat([own, others.expand(len(own), -1, -1)], dim=2)
    return own.squeeze(2) if own.size(2) == 1 else own.logsumexp(dim=2)


def log_or_minus_infinity(number: float) -> float:
    """Logarithm of a number that may be 0."""
    return math.log(number) if number else -math.inf
