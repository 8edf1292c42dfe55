"""FNContra: frequency-domain negatives, their losses and their weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS

from ..heads import ContrastiveDiscriminator
from ..losses import GatherEmbeddings
from ..negatives import JoinedNegatives
from ..network_facts import image_size
from ..objectives import cosine_to_negatives
from ..taps import forward_each
from .embedding_queue import EmbeddingQueue


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

    Views, negatives, the objective (of ``dwcl``) and weights are chosen apart from each other.

    Source: Yang et al., Expert Systems with Applications 263, 2025.

    Args:
        negatives: Config of the negatives, or a list of configs, default ``FrequencyNegatives``.
            The levels of all that are made from images are used together; ``SyntheticNegatives``,
            made from embeddings, are handed to ``dwcl``.
        view: Config of the positive view, or a list of configs, default ``RandomView``. Those of
            images are applied one after the other; ``FeatureMixing``, of embeddings, is handed to
            ``dwcl``.
        head: Config of the contrastive head, default ``WaveletContrastiveHead``.
        dwcl: Config of the discriminator's loss; ``None`` leaves it out, and with it the view and
            what moves the weights. Where it has a ``queue_size``, it is given the positives of so
            many past images.
        gwcl: Config of the generator's loss; ``None`` leaves it out.
        weights: Config of the weights; they change only under ``DynamicWeightHook``.
        difficulties: The levels to use, some of those that the negatives make; ``None``: all.
        taps: What the head reads of the discriminator, shallow to deep: names of submodules or
            sides of feature maps; ``None`` takes its own ``feature_taps``, or one map of each side.

    Raises:
        ValueError: If both losses are left out, a level is unknown, or parts do not go together.

    Attributes:
        levels: Names of all levels that the negatives make: easy, middle, hard by default.
        similarity: Mean cosine to each level's negatives in the last step, a buffer (L,) in the
            order of ``levels``; 0 for levels that are not used.
        queue: Past positives, for a loss with a ``queue_size``; else ``None``.
    """

    def __init__(
        self,
        negatives: dict | Sequence[dict] | None = None,
        view: dict | Sequence[dict] | None = None,
        head: dict | None = None,
        dwcl: dict | None = dict(type='mmfncontra.DWCLLoss'),  # noqa: B006 (never changed)
        gwcl: dict | None = dict(type='mmfncontra.GWCLLoss'),  # noqa: B006
        weights: dict | None = None,
        difficulties: Sequence[str] | None = None,
        taps: Sequence[str | int] | None = None,
    ) -> None:
        super().__init__()
        if dwcl is None and gwcl is None:
            raise ValueError(
                'dwcl and gwcl are both None; for the plain baseline set contrast=None'
            )
        _check_kind('head', head, 'a head such as WaveletContrastiveHead')
        _check_kind('gwcl', gwcl, 'a loss of prototypes such as GWCLLoss')
        _check_kind('weights', weights, 'weights such as SelfInformationWeight')
        _check_kind(
            'dwcl',
            dwcl,
            "a loss such as DWCLLoss, of which an objective is a part, as in dict(type='DWCLLoss', "
            "objective=dict(type='DCL'))",
        )
        negatives, mixes = _build_parts('negatives', negatives, 'mmfncontra.FrequencyNegatives')
        views, mixing = _build_parts('view', view, 'mmfncontra.RandomView')
        self.negatives = negatives[0] if len(negatives) == 1 else JoinedNegatives(negatives)
        self.view = views[0] if len(views) == 1 else nn.Sequential(*views)
        self.levels: tuple[str, ...] = tuple(self.negatives.LEVELS)
        self.difficulties = self._choose_levels(difficulties)
        self.weights = self._build_weights(weights)
        self.dwcl = self._build_dwcl(dwcl, synthetic=mixes, mixing=mixing)
        self.gwcl = None if gwcl is None else MODELS.build(gwcl)
        self.head_config = head or dict(type='mmfncontra.WaveletContrastiveHead')
        self.taps = taps
        self.queue: EmbeddingQueue | None = None
        self._gather_all = GatherEmbeddings()
        self.register_buffer('similarity', torch.zeros(len(self.levels)), persistent=False)

    def _choose_levels(self, difficulties: Sequence[str] | None) -> tuple[str, ...]:
        if difficulties is None:
            return self.levels
        unknown = [name for name in difficulties if name not in self.levels]
        if unknown or not difficulties or len(set(difficulties)) < len(difficulties):
            raise ValueError(
                f'difficulties must be some of {self.levels}, each once, got {difficulties}'
            )
        return tuple(name for name in self.levels if name in difficulties)

    def _build_weights(self, config: dict | None) -> nn.Module:
        config = dict(config or dict(type='mmfncontra.SelfInformationWeight'))
        weights = MODELS.build({'levels': len(self.levels), **config})
        shape = getattr(getattr(weights, 'weight', None), 'shape', None)
        if shape != (len(self.levels),):
            raise ValueError(
                f'weights must have one weight for each of the levels {self.levels}, such as '
                f'SelfInformationWeight, got {type(weights).__name__} with '
                f'{"none" if shape is None else tuple(shape)}'
            )
        return weights

    @staticmethod
    def _build_dwcl(config: dict | None, **parts: nn.Module | None) -> nn.Module | None:
        """The discriminator's loss, with the parts of negatives and view that act in it."""
        parts = {name: part for name, part in parts.items() if part is not None}
        for name, part in parts.items():
            if config is None or config.get(name) is not None:
                reason = 'dwcl is None' if config is None else f'dwcl.{name} is set too'
                raise ValueError(
                    f'{type(part).__name__} acts on embeddings, in dwcl, but {reason}: leave one '
                    'of them out'
                )
        if config is None:
            return None
        return MODELS.build({**config, **parts})

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
                GWCL without a prototype, or the images are too small for a part.
        """
        self._check_size(image_size(discriminator, in_size))
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

    def _check_size(self, in_size: int) -> None:
        for part in [*self.negatives.modules(), *self.view.modules()]:
            smallest = getattr(part, 'min_size', 0)
            if in_size < smallest:
                raise ValueError(
                    f'{type(part).__name__} needs images of {smallest} pixels or more a side, got '
                    f'{in_size}: change the arguments it has in the contrast'
                )

    def level_weights(self) -> dict[str, Tensor]:
        """Current weight of each level in use."""
        weight = self.weights.weight
        return {name: weight[self.levels.index(name)] for name in self.difficulties}

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
                without gradient, as if one after the other, the view first.
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
        self.queue.push(self._gather_all(positive) if self.dwcl.gather else positive)
        return loss

    @torch.no_grad()
    def _measure_similarity(self, query: Tensor, negatives: dict[str, Tensor]) -> None:
        means = cosine_to_negatives(query, negatives).mean(dim=1)
        for mean, name in zip(means, self.difficulties, strict=True):
            self.similarity[self.levels.index(name)] = mean


def _check_kind(argument: str, config: object, wanted: str) -> None:
    """Refuse what is no config, and a component that says it has another role."""
    if config is None:
        return
    if not (isinstance(config, dict) and config.get('type')):
        raise ValueError(f'{argument} must be a config with a type, got {config!r}')
    kind = config['type']
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    if getattr(kind, 'role', argument) != argument:
        raise ValueError(f'{argument} must be {wanted}, got {kind.__name__}')


def _build_parts(
    argument: str, configs: dict | Sequence[dict] | None, default: str
) -> tuple[list[nn.Module], nn.Module | None]:
    """What is built from images, and the part that is built from embeddings, if there is one."""
    given = dict(type=default) if configs is None else configs
    configs = [given] if isinstance(given, dict) else given
    is_list = isinstance(configs, Sequence) and not isinstance(configs, str)
    if not is_list or not all(isinstance(c, dict) and c.get('type') for c in configs):
        raise ValueError(
            f"{argument} must be a config such as dict(type='{default.rpartition('.')[2]}') or a "
            f'list of these, got {given!r}'
        )
    parts = [MODELS.build(config) for config in configs]
    for part in parts:
        makes_levels = hasattr(part, 'LEVELS') or getattr(part, 'acts_on', '') == 'embeddings'
        is_wrong = argument == 'negatives' and not makes_levels
        if is_wrong or getattr(part, 'role', argument) != argument:
            raise ValueError(
                f'{argument} must be made of parts such as {default.rpartition(".")[2]}, got '
                f'{type(part).__name__}'
            )
    images = [part for part in parts if getattr(part, 'acts_on', 'images') == 'images']
    embeddings = [p for p in parts if p not in images]
    if not images or len(embeddings) > 1:
        raise ValueError(
            f'{argument} must have one part or more that acts on images, such as '
            f'{default.rpartition(".")[2]}, and at most one that acts on embeddings, got '
            f'{[type(part).__name__ for part in parts]}'
        )
    return images, embeddings[0] if embeddings else None
