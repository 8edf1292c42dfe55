"""FNContra: frequency-domain negatives, their losses and their weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS

from ..heads import ContrastiveDiscriminator, forward_each
from ..losses import cosine_to_negatives, gather_embeddings
from .embedding_queue import EmbeddingQueue

DIFFICULTIES = ('easy', 'middle', 'hard')


@dataclass
class Prototypes:
    """Wavelet prototypes of one discriminator step, without gradient.

    Attributes:
        real: Prototypes of the real images, shallow to deep.
        negatives: The same of their negatives, by level.
    """

    real: list[Tensor]
    negatives: dict[str, list[Tensor]]


@MODELS.register_module()
class FNContra(nn.Module):
    """Contrast real images with their own degraded copies, in D and in G.

    In the discriminator's step DWCL pulls an image's embedding to that of a view of it and pushes
    it from those of its negatives; in the generator's step GWCL keeps the wavelet prototypes of
    generated images nearer to real ones than to those of the negatives. Each level has a weight.

    Source: Yang et al., Expert Systems with Applications 263, 2025.

    Args:
        negatives: Config of the negatives, default ``FrequencyNegatives``.
        view: Config of the positive view, default ``RandomView``.
        head: Config of the contrastive head, default ``WaveletContrastiveHead``.
        dwcl: Config of the discriminator's loss; ``None`` leaves it out. Where it has a
            ``queue_size``, it is given the positives of so many past images.
        gwcl: Config of the generator's loss; ``None`` leaves it out.
        weights: Config of the weights; they change only under ``DynamicWeightHook``.
        difficulties: The levels to use, some of easy, middle and hard.
        taps: What the head reads of the discriminator, shallow to deep: names of submodules or
            sides of feature maps; ``None`` takes its own ``feature_taps``, or one map of each side.

    Raises:
        ValueError: If both losses are left out or a level is unknown.

    Attributes:
        similarity: Mean cosine to each level's negatives in the last step, a buffer (3,) in the
            order easy, middle, hard; 0 for levels that are not used.
        queue: Past positives, for a loss with a ``queue_size``; else ``None``.
    """

    def __init__(
        self,
        negatives: dict | None = None,
        view: dict | None = None,
        head: dict | None = None,
        dwcl: dict | None = dict(type='mmfncontra.DWCLLoss'),  # noqa: B006 (never changed)
        gwcl: dict | None = dict(type='mmfncontra.GWCLLoss'),  # noqa: B006
        weights: dict | None = None,
        difficulties: Sequence[str] = DIFFICULTIES,
        taps: Sequence[str | int] | None = None,
    ) -> None:
        super().__init__()
        unknown = [name for name in difficulties if name not in DIFFICULTIES]
        if unknown or not difficulties or len(set(difficulties)) < len(difficulties):
            raise ValueError(
                f'difficulties must be some of {DIFFICULTIES}, each once, got {difficulties}'
            )
        if dwcl is None and gwcl is None:
            raise ValueError(
                'dwcl and gwcl are both None; for the plain baseline set contrast=None'
            )
        self.difficulties = tuple(name for name in DIFFICULTIES if name in difficulties)
        self.negatives = MODELS.build(negatives or dict(type='mmfncontra.FrequencyNegatives'))
        self.view = MODELS.build(view or dict(type='mmfncontra.RandomView'))
        self.weights = MODELS.build(weights or dict(type='mmfncontra.SelfInformationWeight'))
        self.dwcl = None if dwcl is None else MODELS.build(dwcl)
        self.gwcl = None if gwcl is None else MODELS.build(gwcl)
        self.head_config = head or dict(type='mmfncontra.WaveletContrastiveHead')
        self.taps = taps
        self.queue: EmbeddingQueue | None = None
        self.register_buffer('similarity', torch.zeros(3), persistent=False)

    @property
    def embeds(self) -> bool:
        """Whether embeddings are needed: only DWCL uses them."""
        return self.dwcl is not None

    @property
    def uses_prototypes(self) -> bool:
        """Whether prototypes are needed: only GWCL uses them."""
        return self.gwcl is not None

    def wrap(
        self, discriminator: nn.Module, in_size: int | None = None
    ) -> ContrastiveDiscriminator:
        """The discriminator with the contrastive head this contrast reads.

        Args:
            discriminator: Any discriminator.
            in_size: Side of the images, for a discriminator that does not say.

        Raises:
            ValueError: If the taps do not suit it, see :class:`ContrastiveDiscriminator`, or leave
                GWCL without a prototype.
        """
        head = dict(self.head_config)
        head.setdefault('embed', self.embeds)
        wrapped = ContrastiveDiscriminator(discriminator, head, self.taps, in_size)
        if self.uses_prototypes and len(wrapped.tap_names) < 2:
            raise ValueError(
                'contrast.taps must name two maps or more, the last one to embed and the others '
                f'for prototypes, got {list(wrapped.tap_names)}; or leave GWCL out with '
                'contrast.gwcl=None'
            )
        if queue_size := getattr(self.dwcl, 'queue_size', 0):
            self.queue = EmbeddingQueue(queue_size, wrapped.head.embedding_size)
        return wrapped

    def level_weights(self) -> dict[str, Tensor]:
        """Current weight of each level in use."""
        weight = self.weights.weight
        return {name: weight[DIFFICULTIES.index(name)] for name in self.difficulties}

    def disc_loss(
        self,
        discriminator: nn.Module,
        real: Tensor,
        embedding: Tensor | None,
        prototypes: list[Tensor] | None,
        **kwargs: object,
    ) -> tuple[dict[str, Tensor], Prototypes | None]:
        """DWCL of a batch of real images.

        Args:
            discriminator: The wrapped discriminator; the view and the negatives pass through it
                without gradient, as if in the order view, easy, middle, hard.
            real: Augmented real images, (B, 3, S, S) in [-1, 1].
            embedding: Their embeddings with gradient, (B, E); ``None`` without DWCL.
            prototypes: Their prototypes; ``None`` without GWCL.
            **kwargs: What the discriminator takes besides images, such as ``label``: view and
                negatives are of their image's class.

        Returns:
            ``loss_dwcl`` if there is one, and the prototypes that :meth:`gen_loss` needs, or
            ``None`` without GWCL.
        """
        batches = [self.view(real)] if self.embeds else []
        negatives = self.negatives(real)
        batches += [negatives[name] for name in self.difficulties]
        wanted = dict(embed=self.embeds, prototypes=self.uses_prototypes)
        _, embeddings, maps = zip(
            *forward_each(discriminator, batches, **wanted, **kwargs), strict=True
        )
        if self.embeds:
            positive, *embeddings = embeddings
            maps = maps[1:]
        embeddings = dict(zip(self.difficulties, embeddings, strict=True))
        losses = {}
        if self.embeds:
            losses['loss_dwcl'] = self._contrast(embedding, positive, embeddings)
            self._measure_similarity(embedding, embeddings)
        if not self.uses_prototypes:
            return losses, None
        negative_prototypes = dict(zip(self.difficulties, maps, strict=True))
        return losses, Prototypes([p.detach() for p in prototypes], negative_prototypes)

    def gen_loss(self, fake: list[Tensor], prototypes: Prototypes) -> dict[str, Tensor]:
        """GWCL of a batch of generated images.

        Args:
            fake: Their prototypes with gradient.
            prototypes: What :meth:`disc_loss` returned in this iteration.

        Returns:
            ``loss_gwcl``.
        """
        loss = self.gwcl(fake, prototypes.real, prototypes.negatives, self.level_weights())
        return dict(loss_gwcl=loss)

    def _contrast(self, query: Tensor, positive: Tensor, negatives: dict[str, Tensor]) -> Tensor:
        if self.queue is None:
            return self.dwcl(query, positive, negatives, self.level_weights())
        # A copy: the loss is differentiated after the queue has moved on.
        past = self.queue.embeddings.clone()
        loss = self.dwcl(query, positive, negatives, self.level_weights(), past=past)
        self.queue.push(gather_embeddings(positive) if self.dwcl.gather else positive)
        return loss

    @torch.no_grad()
    def _measure_similarity(self, query: Tensor, negatives: dict[str, Tensor]) -> None:
        means = cosine_to_negatives(query, negatives).mean(dim=1)
        for mean, name in zip(means, self.difficulties, strict=True):
            self.similarity[DIFFICULTIES.index(name)] = mean
