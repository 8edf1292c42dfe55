"""The published terms of the objectives as plain loops, and embeddings to try them on."""

import math

import numpy as np
import torch

from mmfncontra.models.losses import DCL, DCLW, DebiasedInfoNCE, InfoNCE

OBJECTIVES = (InfoNCE, DCL, DCLW, DebiasedInfoNCE)
SIGMA, CLASS_PRIOR, HARDNESS = 0.5, 0.1, 0.5


def build(kind, temperature=0.3):
    if kind is DebiasedInfoNCE:
        return kind(temperature, class_prior=CLASS_PRIOR, hardness=HARDNESS)
    return kind(temperature, sigma=SIGMA) if kind is DCLW else kind(temperature)


def cosine(a, b):
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def term(kind, temperature, s, own, others, all_s):
    """The published term of one query from its cosines: s to the positive, lists of the rest."""
    if not own and not others:
        return 0.0
    up = math.exp(s / temperature)
    down = sum(math.exp(x / temperature) for x in own)
    if kind is DebiasedInfoNCE:
        if others:
            v = [math.exp(HARDNESS * x / temperature) for x in others]
            m = sum(w * math.exp(x / temperature) for w, x in zip(v, others, strict=True)) / sum(v)
            g = (m - CLASS_PRIOR * up) / (1 - CLASS_PRIOR)
            down += len(others) * max(g, math.exp(-1 / temperature))
        return -math.log(up / (up + down))
    down += sum(math.exp(x / temperature) for x in others)
    if kind is InfoNCE:
        return -math.log(up / (up + down))
    v = 1.0
    if kind is DCLW:
        v = 2 - math.exp(s / SIGMA) / (sum(math.exp(x / SIGMA) for x in all_s) / len(all_s))
    return -v * s / temperature + math.log(down)


def plain_loop(
    kind, temperature, query, positive, negatives, weights=None, others=None, is_other=None
):
    """Loss of a batch, one pair after the other. Rows of zeros are no negatives."""
    query, positive = query.detach().numpy(), positive.detach().numpy()
    all_s = [cosine(q, p) for q, p in zip(query, positive, strict=True)]
    levels = {name: x.detach().numpy() for name, x in (negatives or {}).items()}
    total = 0.0
    for name in levels or [None]:
        for i, q in enumerate(query):
            own = []
            if name is not None:
                own = [cosine(q, x) for x in np.atleast_2d(levels[name][i]) if np.any(x)]
            found = []
            if others is not None:
                rows = others.detach().numpy()
                for j, x in enumerate(rows[i] if rows.ndim == 3 else rows):
                    if np.any(x) and (is_other is None or bool(is_other[i, j])):
                        found.append(cosine(q, x))
            weight = 1.0 if name is None or weights is None else float(weights[name])
            total += weight * term(kind, temperature, all_s[i], own, found, all_s) / len(query)
    return total


def draw(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype)


def pull(batch=5, size=6):
    """A query and a positive that resembles it."""
    query = draw(batch, size)
    return query, query + 0.7 * draw(batch, size)


def embeddings(batch=5, size=16, count=9):
    """Queries, positives, three negatives of each query, and those that all share."""
    query, positive = torch.randn(2, batch, size, dtype=torch.float64)
    own = torch.randn(batch, 3, size, dtype=torch.float64)
    return query, positive, own, torch.randn(count, size, dtype=torch.float64)
