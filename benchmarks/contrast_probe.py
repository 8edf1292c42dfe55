"""What the single losses of a step do to its networks, measured without the step."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mmfncontra.models.gans import discriminate
from mmfncontra.models.gans.kept_buffers import KeptBuffers
from mmfncontra.models.gans.networks import augmented, detached
from mmfncontra.models.losses import prototype_distance
from mmfncontra.models.objectives.similarity import cosine, cosine_to_all
from mmfncontra.models.taps import FeatureTaps


@dataclass
class Pass:
    """What a discriminator said of one batch.

    Attributes:
        images: The batch as the discriminator took it.
        logits: (B, n), without gradient.
        prototypes: Wavelet prototypes, without gradient; none where they were not asked for.
        trunk: The last map that the contrast reads, (B, C·h·w), without gradient.
    """

    images: object
    logits: Tensor
    prototypes: list[Tensor] = field(default_factory=list)
    trunk: Tensor | None = None


@dataclass
class Terms:
    """What the objective of DWCL was given, and what it said.

    Attributes:
        to_positive: Cosines to the positives, (B,).
        to_own: Cosines to the own negatives, (K, B, n), or ``None``.
        terms: A term for each level and image, (K, B) or (1, B).
    """

    to_positive: Tensor
    to_own: Tensor | None
    terms: Tensor


class ContrastProbe:
    """Measures the losses of a GAN with contrast; the GAN stays as it is.

    Losses are those of the model's own training step, buffers are put back after each measurement.
    The generator's losses are of the discriminator as it is, not after a step.

    Args:
        model: A ``LimitedDataGAN`` with a contrast, in training mode.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.contrast = model.contrast
        self.discriminator = model.discriminator
        self._kept = KeptBuffers()
        self._restore = torch.tensor(True, device=next(model.parameters()).device)
        with torch.no_grad():
            logits = torch.zeros(2, 1)
            self._adversarial = set(model.adversarial_loss.disc_loss(logits, logits))
            self._adversarial |= set(model.adversarial_loss.gen_loss(logits))
        self._stages: dict[str, list[nn.Parameter]] = {}

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        self._kept.keep(self.model)
        try:
            yield
        finally:
            self._kept.restore(self._restore)

    def measure(self, real: Tensor, **kwargs: Tensor) -> dict[str, float]:
        """Measure both networks' losses on a batch.

        Args:
            real: Real images before augmentation, (B, 3, S, S) in [-1, 1].
            **kwargs: ``label`` of a class-conditional GAN.

        Returns:
            Numbers by ``group/name``, the names of taps behind ``@``.
        """
        model = self.model
        with self._unchanged():
            self._stages = self._stages or self._find_stages(real, **kwargs)
        with self._unchanged():
            noise = torch.randn(len(real), model.noise_size, device=real.device)
            raw_fake = model.generator(noise, **kwargs)
            fake = augmented(model.augment, raw_fake)
            if model.pseudo_real is not None:
                real = model.pseudo_real(real, detached(raw_fake))
            with self._passes() as passes, self._terms() as terms:
                found = model.disc_losses(real, detached(fake), **kwargs)
            levels = self.contrast.difficulties
            named = dict(real=passes[0])
            named |= zip(levels, passes[-len(levels) :], strict=True)
            with self._passes() as more, torch.no_grad():
                discriminate(self.discriminator, self.contrast.view(passes[0].images), **kwargs)
            named['view'] = more[0]
            values = self._of_discriminator(found.losses)
            values |= _of_embeddings(terms, found.on_real.embedding, levels)
            values |= {f'weight/{k}': float(w) for k, w in self.contrast.level_weights().items()}
            values |= _similarities('trunk', named, levels)
            with _frozen(self.discriminator), self._passes() as gen_passes:
                losses = model.gen_losses(fake, found.prototypes, **kwargs)
            named['fake'] = gen_passes[0]
            values |= self._of_generator(losses, fake)
            values |= _of_logits(named)
            if found.prototypes is not None:
                values |= self._of_prototypes(gen_passes[0].prototypes, found.prototypes)
        return values

    @torch.no_grad()
    def judge(self, images: Tensor) -> dict[str, float]:
        """Logits of held-out images, augmented as in training, in training mode.

        Args:
            images: (B, 3, S, S) in [-1, 1].
        """
        with self._unchanged(), self._passes() as passes:
            discriminate(self.discriminator, augmented(self.model.augment, images))
        return _of_logits(dict(heldout=passes[0]))

    @torch.no_grad()
    def retrieve(self, images: Tensor, **kwargs: Tensor) -> dict[str, float]:
        """Share of images that are the nearest of all to a view of themselves.

        ``retrieval_view`` is of the view of an augmented image among the augmented images, which is
        what DWCL is trained on; ``retrieval`` of the same view among the images as they are. They
        pass as one batch, for in several BatchNorm would tell which one is whose.

        Args:
            images: Real images without augmentation, (N, 3, S, S) in [-1, 1].
            **kwargs: ``label`` of a class-conditional GAN.
        """
        asked = dict(embed=True) if self.contrast.embeds else {}
        seen = augmented(self.model.augment, images)
        spaces: dict[str, list[Tensor]] = {}
        for batch in (self.contrast.view(seen), seen, images):
            with self._unchanged(), self._passes() as passes:
                embedding = discriminate(self.discriminator, batch, **asked, **kwargs).embedding
            spaces.setdefault('trunk', []).append(passes[0].trunk)
            if embedding is not None:
                spaces.setdefault('embedding', []).append(embedding)
        values = {}
        for name, (query, *galleries) in spaces.items():
            own = torch.arange(len(query), device=query.device)
            for group, gallery in zip(('retrieval_view', 'retrieval'), galleries, strict=True):
                right = cosine_to_all(query, gallery).argmax(dim=1) == own
                values[f'{group}/{name}'] = float(right.float().mean())
        return values

    @contextmanager
    def _passes(self) -> Iterator[list[Pass]]:
        """Record what the discriminator says. Hooked, it takes each batch by itself."""
        passes: list[Pass] = []
        maps: list[Tensor] = []

        def keep(_: nn.Module, args: tuple, asked: dict, output: object) -> None:
            prototypes = None
            if asked.get('embed') or asked.get('prototypes'):
                output, _, prototypes = output
            logits = output[0] if isinstance(output, tuple) else output
            kept = [each.detach() for each in prototypes or []]
            passes.append(Pass(args[0], logits.detach(), kept, maps.pop()))

        network = self.discriminator
        last = network.backbone.get_submodule(network.tap_names[-1])
        handles = [
            last.register_forward_hook(lambda *a: maps.append(a[-1].detach().flatten(1).clone())),
            network.register_forward_hook(keep, with_kwargs=True),
        ]
        try:
            yield passes
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def _terms(self) -> Iterator[list[Terms]]:
        """Record what the objective of DWCL is given and says."""
        seen: list[Terms] = []
        objective = getattr(self.contrast.dwcl, 'objective', None)
        if objective is None:
            yield seen
            return
        compute = objective.terms

        def keep(to_positive: Tensor, to_own: Tensor | None, to_others: Tensor | None) -> Tensor:
            terms = compute(to_positive, to_own, to_others)
            own = None if to_own is None else to_own.detach()
            seen.append(Terms(to_positive.detach(), own, terms.detach()))
            return terms

        objective.terms = keep
        try:
            yield seen
        finally:
            del objective.terms

    def _find_stages(self, real: Tensor, **kwargs: Tensor) -> dict[str, list[nn.Parameter]]:
        """The weights that a tapped map depends on and the one before does not, by tap."""
        network = self.discriminator
        trained = [p for p in network.backbone.parameters() if p.requires_grad]
        with FeatureTaps(network.backbone, network.tap_names).record() as maps:
            network.backbone(real, **kwargs)
        stages, earlier = {}, set()
        for name, each in zip(network.tap_names, maps, strict=True):
            grads = _gradients(each.float().sum(), trained)
            own = [p for p, grad in zip(trained, grads, strict=True) if grad is not None]
            stages[name] = [p for p in own if p not in earlier]
            earlier |= set(own)
        return stages

    def _of_discriminator(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        values: dict[str, float] = {}
        trunk = {name: p for name, p in self._stages.items() if p}
        weights = [p for stage in trunk.values() for p in stage]
        vectors = {}
        for name, term in self._grouped(losses).items():
            values[f'loss_disc/{name}'] = float(term.detach())
            grads = iter(_gradients(term, weights))
            parts = {tap: _flat([next(grads) for _ in own], own) for tap, own in trunk.items()}
            vectors[name] = torch.cat(list(parts.values())) if parts else term.new_zeros(1)
            norms = {f'grad_trunk/{name}@{tap}': float(x.norm()) for tap, x in parts.items()}
            values |= {f'grad_trunk/{name}': float(vectors[name].norm()), **norms}
        return values | _cosines('cos_trunk', vectors)

    def _of_generator(self, losses: Mapping[str, Tensor], fake: object) -> dict[str, float]:
        images = [fake] if isinstance(fake, Tensor) else list(fake)
        weights = [p for p in self.model.generator.parameters() if p.requires_grad]
        values: dict[str, float] = {}
        spaces: dict[str, dict[str, Tensor]] = dict(gen={}, fake={})
        for name, term in self._grouped(losses).items():
            values[f'loss_gen/{name}'] = float(term.detach())
            grads = _gradients(term, [*weights, *images])
            spaces['gen'][name] = _flat(grads[: len(weights)], weights)
            spaces['fake'][name] = _flat(grads[len(weights) :], images)
        for space, vectors in spaces.items():
            values |= {f'grad_{space}/{name}': float(x.norm()) for name, x in vectors.items()}
            values |= _cosines(f'cos_{space}', vectors)
        return values

    def _grouped(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The adversarial losses together, and each other one by its name."""
        adversarial = sum(value for name, value in losses.items() if name in self._adversarial)
        others = {n: value for n, value in losses.items() if n not in self._adversarial}
        return dict(adversarial=adversarial) | {
            name.removeprefix('loss_'): value for name, value in others.items()
        }

    def _of_prototypes(self, fake: Sequence[Tensor], prototypes: object) -> dict[str, float]:
        gwcl, taps = self.contrast.gwcl, self.discriminator.tap_names
        sets = dict(real=prototypes.real) | prototypes.negatives
        weights = self.contrast.level_weights()
        values, distances = {}, {}
        for name, maps in sets.items():
            distances[name] = float(prototype_distance(fake, maps, gwcl.decay))
            values[f'gwcl_distance/{name}'] = distances[name]
            for i, (tap, a, b) in enumerate(zip(taps, fake, maps, strict=False)):
                share = gwcl.decay**i * prototype_distance([a], [b])
                values[f'gwcl_distance/{name}@{tap}'] = float(share)
        for name, maps in prototypes.negatives.items():
            hinge = distances['real'] - distances[name] + float(weights[name])
            values[f'gwcl_active/{name}'] = float(hinge > 0)
            apart = prototype_distance(prototypes.real, maps, gwcl.decay)
            values[f'gwcl_degraded/{name}'] = float(apart)
        return values


def _of_embeddings(
    found: Sequence[Terms], query: Tensor | None, levels: Sequence[str]
) -> dict[str, float]:
    if not found:
        return {}
    (each,), query = found, query.detach()
    values = {'embedding/view': float(each.to_positive.mean())}
    values['embedding/others'] = float(_off_diagonal(cosine_to_all(query, query)))
    if each.to_own is not None:
        nearest = each.to_own.amax(dim=2)
        ahead = (nearest > each.to_positive).float().mean(dim=1)
        for name, to_level, share in zip(levels, nearest, ahead, strict=True):
            values[f'embedding/{name}'] = float(to_level.mean())
            values[f'nearer_than_view/{name}'] = float(share)
    names = levels if len(each.terms) == len(levels) else ['all']
    return values | {
        f'nce/{name}': float(term.mean()) for name, term in zip(names, each.terms, strict=True)
    }


def _similarities(
    space: str, passes: Mapping[str, Pass], levels: Sequence[str]
) -> dict[str, float]:
    real = passes['real'].trunk
    values = {f'{space}/others': float(_off_diagonal(cosine_to_all(real, real)))}
    for name in ('view', *levels):
        values[f'{space}/{name}'] = float(cosine(real, passes[name].trunk).mean())
    return values


def _of_logits(passes: Mapping[str, Pass]) -> dict[str, float]:
    values = {}
    for name, each in passes.items():
        values[f'logit/{name}'] = float(each.logits.float().mean())
        values[f'sign/{name}'] = float(each.logits.float().sign().mean())
    return values


def _off_diagonal(similarity: Tensor) -> Tensor:
    count = len(similarity)
    return (similarity.sum() - similarity.trace()) / max(1, count * (count - 1))


def _gradients(term: Tensor, inputs: Sequence[Tensor]) -> list[Tensor | None]:
    if not (inputs and term.requires_grad):
        return [None] * len(inputs)
    return list(torch.autograd.grad(term, inputs, retain_graph=True, allow_unused=True))


def _flat(gradients: Sequence[Tensor | None], inputs: Sequence[Tensor]) -> Tensor:
    pairs = zip(gradients, inputs, strict=True)
    return torch.cat([(torch.zeros_like(x) if g is None else g).flatten() for g, x in pairs])


def _cosines(group: str, vectors: Mapping[str, Tensor]) -> dict[str, float]:
    """Cosine of each term's gradient to the adversarial one; none where one of them is 0."""
    first = vectors['adversarial']
    found = {
        f'{group}/{name}': float(first @ x / (first.norm() * x.norm()))
        for name, x in vectors.items()
        if name != 'adversarial'
    }
    return {name: value for name, value in found.items() if not math.isnan(value)}


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    trained = [p for p in network.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
