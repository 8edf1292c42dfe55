"""Discriminated wavelet-instance contrastive loss."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS, build_model
from mmfncontra.utils.checks import check_integers, check_not_negative, check_positive
from mmfncontra.utils.precision import widen

from ..objectives import GatherEmbeddings
from ..objectives.contrastive_objective import build_objective, check_pairs
from ..objectives.similarity import cosine, cosine_to_others, cosine_to_own, level_weights


@MODELS.register_module()
class DWCLLoss(nn.Module):
    r"""Pull an image's embedding to its positive view and away from its degraded copies.

    With :math:`\tau` the temperature, :math:`f^+` the positive and :math:`f_k` the negatives of
    level k, one each in FNContra,

    .. math::
        \mathrm{NCE}(f, f^+, f_k) = -\log \frac{e^{\cos(f, f^+)/\tau}}
            {e^{\cos(f, f^+)/\tau} + e^{\cos(f, f_k)/\tau} + N(f)}, \qquad
        L = \lambda \sum_k w_k \, \mathrm{mean}_B \, \mathrm{NCE}(f, f^+, f_k).

    N(f) is what other images add to the denominator, the same at every level; by default it is 0,
    which is FNContra. For image i of the batch

    .. math::
        N(f_i) = \sum_{j \neq i} e^{\cos(f_i, f_j^+)/\tau} + \sum_q e^{\cos(f_i, q)/\tau}
            + \sum_m e^{\cos(f_i, h_m)/\tau},

    the first sum with ``batch_negatives``, over the positives of other images of the batch, and
    with ``gather`` of the batches of all ranks; the second one over a queue of past positives; the
    third one with ``synthetic``, over mixes of the hardest of these. ``objective`` puts another
    function in the place of NCE, and ``mixing`` another positive in that of :math:`f^+`.

    Source: Yang et al., Expert Systems with Applications 263, 2025 (DWCL); other images as
    negatives: Chen et al., ICML 2020 (SimCLR); the queue: He et al., CVPR 2020 (MoCo).

    Args:
        temperature: :math:`\tau`, positive.
        loss_weight: :math:`\lambda`, 0 or more.
        batch_negatives: Whether other images' positives are negatives too; a batch of one has none.
        queue_size: How many past positives are; the loss has no memory, whoever calls it keeps them
            (``FNContra`` does).
        gather: Whether both are those of all ranks. The gradient flows back to the ranks they are
            from.
        objective: Config of a :class:`ContrastiveObjective`, without its temperature; default
            ``InfoNCE``.
        synthetic: Config of negatives made from the others, such as ``SyntheticNegatives``. They
            count among the others, so that ``DebiasedInfoNCE`` corrects for them too.
        mixing: Config of virtual positives made from the batch's, such as ``FeatureMixing``. The
            negatives stay as they are. ``FNContra`` fills in both from its lists.

    Raises:
        ValueError: If an argument is out of range, there is nothing to gather or to mix, or the
            objective needs other images and there are none.

    Example:
        >>> import torch
        >>> f, view, easy, hard = torch.randn(4, 8, 512)
        >>> loss = DWCLLoss()(f, view, dict(easy=easy, hard=hard), dict(easy=0.6, hard=0.1))
        >>> loss.shape
        torch.Size([])
    """

    role = 'dwcl'

    def __init__(
        self,
        temperature: float = 0.07,
        loss_weight: float = 1.0,
        batch_negatives: bool = False,
        queue_size: int = 0,
        gather: bool = False,
        objective: dict | None = None,
        synthetic: dict | nn.Module | None = None,
        mixing: dict | nn.Module | None = None,
    ) -> None:
        super().__init__()
        # Here too: an error of a part that is built in here would not name the key.
        check_positive(temperature=temperature)
        check_integers(0, queue_size=queue_size)
        check_not_negative(loss_weight=loss_weight)
        for name, value in dict(batch_negatives=batch_negatives, gather=gather).items():
            if not isinstance(value, bool):
                raise ValueError(f'{name} must be True or False, got {value!r}')
        has_others = batch_negatives or queue_size > 0
        if gather and not has_others:
            raise ValueError(
                'gather must be False without batch_negatives=True or a queue_size: there is '
                f'nothing to gather, got {gather}'
            )
        self.objective = build_objective(objective, temperature)
        self.objective.gather = gather
        self.temperature = temperature
        self.loss_weight = loss_weight
        self.batch_negatives = batch_negatives
        self.queue_size = queue_size
        self.gather = gather
        self._gather_all = GatherEmbeddings()
        self.synthetic = _build_part('synthetic', synthetic, 'negatives')
        self.mixing = _build_part('mixing', mixing, 'view')
        for part, does in ((self.objective, 'corrects for'), (self.synthetic, 'mixes')):
            if getattr(part, 'needs_others', False) and not has_others:
                raise ValueError(
                    f'{type(part).__name__} {does} negatives that are other images: set '
                    f'batch_negatives=True or a queue_size, got {batch_negatives} and {queue_size}'
                )

    def forward(
        self,
        query: Tensor,
        positive: Tensor,
        negatives: Mapping[str, Tensor],
        weights: Mapping[str, float | Tensor] | Tensor | None = None,
        past: Tensor | None = None,
    ) -> Tensor:
        """Loss of a batch.

        Args:
            query: Embeddings of the images, (B, E).
            positive: Embeddings of their positive views, (B, E).
            negatives: Embeddings (B, E) of their negatives by level, or n of them (B, n, E); K
                levels. There may be none where there are other images: then one term, of weight 1.
            weights: :math:`w_k` by level name, or a tensor (K,) in the order of ``negatives``;
                ``None``: 1 each.
            past: With a ``queue_size``: positives of earlier batches, (Q, E), without gradient;
                rows of zeros are empty places of the queue.

        Returns:
            The loss, a scalar.

        Raises:
            ValueError: If there are no negatives, or there is a queue without a ``queue_size``, or
                there are not as many positives as queries.
        """
        check_pairs(query, positive)
        if past is not None and not self.queue_size:
            raise ValueError(f'past needs a queue_size, got {len(past)} embeddings without one')
        to_positive = cosine(query, positive if self.mixing is None else self.mixing(positive))
        to_own = cosine_to_own(query, negatives) if negatives else None
        to_others = self._cosines_to_others(query, positive, past)
        terms = self.objective.terms(to_positive, to_own, to_others).mean(dim=1)
        if not negatives or weights is None:
            return self.loss_weight * terms.sum()
        return self.loss_weight * (level_weights(negatives, weights, terms) * terms).sum()

    def _cosines_to_others(
        self, query: Tensor, positive: Tensor, past: Tensor | None
    ) -> Tensor | None:
        """Cosines to other images, (B, N); -inf where there is none."""
        pools, masks = [], []
        if self.batch_negatives:
            everyones = self._gather_all(positive) if self.gather else positive
            first = self._gather_all.first(positive) if self.gather else 0
            own = torch.arange(len(query), device=query.device).unsqueeze(1) + first
            pools.append(widen(everyones))
            masks.append(torch.arange(len(everyones), device=query.device) != own)
        if past is not None:
            pools.append(widen(past))
            masks.append((past != 0).any(dim=1).expand(len(query), -1))
        if not pools:
            return None
        cosines = [cosine_to_others(query, *each) for each in zip(pools, masks, strict=True)]
        if self.synthetic is not None:
            mixes = self.synthetic(query, torch.cat(pools), torch.cat(masks, dim=1))
            cosines.append(cosine_to_others(query, mixes))
        return torch.cat(cosines, dim=1)


def _build_part(argument: str, config: dict | nn.Module | None, role: str) -> nn.Module | None:
    if isinstance(config, str) or (isinstance(config, dict) and not config.get('type')):
        raise ValueError(f'{argument} must be a config with a type, got {config!r}')
    part = build_model(config)
    if part is None:
        return None
    found = getattr(part, 'role', None), getattr(part, 'acts_on', None)
    if found != (role, 'embeddings'):
        example = dict(negatives='SyntheticNegatives', view='FeatureMixing')[role]
        raise ValueError(
            f'{argument} must act on embeddings, such as {example}, got {type(part).__name__}'
        )
    return part
