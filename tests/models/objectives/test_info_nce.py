import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from plain_objectives import cosine

from mmfncontra.models.losses import DWCLLoss, InfoNCE

LEVELS = ('easy', 'middle', 'hard')


def plain_loop(query, positive, own, others, temperature):
    """Own negatives (B, n, E) and others (N, E) in one denominator, mean over the batch."""
    total = 0.0
    for i, f in enumerate(query):
        up = math.exp(cosine(f, positive[i]) / temperature)
        down = up + sum(math.exp(cosine(f, x) / temperature) for x in [*own[i], *others])
        total += -math.log(up / down) / len(query)
    return total


def before(query, positive, negatives, weights, temperature):
    """DWCLLoss of one own negative a level, as it always was."""
    to_positive = F.cosine_similarity(query, positive, dim=1)
    own = [F.cosine_similarity(query, negative, dim=1) for negative in negatives.values()]
    gap = (torch.stack(own) - to_positive) / temperature
    return (weights * F.softplus(gap).mean(dim=1)).sum()


def one_each(batch=7, size=32):
    x = {name: torch.randn(batch, size) for name in ('query', 'positive', *LEVELS)}
    for value in x.values():
        value.requires_grad_()
    return x, {name: x[name] for name in LEVELS}


@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_equals_plain_loop(temperature):
    query, positive = torch.randn(2, 5, 16, dtype=torch.float64)
    own = torch.randn(5, 3, 16, dtype=torch.float64)
    others = torch.randn(9, 16, dtype=torch.float64)
    loss = InfoNCE(temperature)(query, positive, dict(level=own), others=others)
    expected = plain_loop(*(x.numpy() for x in (query, positive, own, others)), temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize('kind', [InfoNCE, DWCLLoss])
@pytest.mark.parametrize('temperature', [0.01, 0.07, 1.0])
def test_one_own_negative_a_level_is_what_dwcl_was_to_the_last_bit(kind, temperature):
    for batch in range(1, 18):
        x, negatives = one_each(batch)
        weights = torch.tensor([0.6, 0.3, 0.1])
        named = dict(zip(LEVELS, weights.tolist(), strict=True))
        expected = before(x['query'], x['positive'], negatives, weights, temperature)
        for w in (weights, named):
            loss = kind(temperature)(x['query'], x['positive'], negatives, w)
            assert torch.equal(loss, expected)


@pytest.mark.parametrize('kind', [InfoNCE, DWCLLoss])
def test_its_gradient_is_what_that_of_dwcl_was_to_the_last_bit(kind):
    """A query's gradient is a sum over its cosines: their order is kept too."""
    for batch in range(1, 18):
        x, negatives = one_each(batch)
        weights = torch.tensor([0.6, 0.3, 0.1])
        expected = before(x['query'], x['positive'], negatives, weights, 0.07)
        loss = kind(0.07)(x['query'], x['positive'], negatives, weights)
        wanted = torch.autograd.grad(expected, [*x.values()])
        for a, b in zip(torch.autograd.grad(loss, [*x.values()]), wanted, strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize(('batch', 'queue'), [(True, 0), (False, 6), (True, 6)])
def test_dwcl_with_other_images_is_what_it_was_to_the_last_bit(batch, queue):
    """One sum over own negative, other images of the batch and the queue, in this order."""
    loss = DWCLLoss(batch_negatives=batch, queue_size=queue)
    for count in range(2, 18):
        x, negatives = one_each(count)
        query, positive = x['query'], x['positive']
        past = torch.randn(6, 32)
        past[4:] = 0
        weights, temperature = torch.tensor([0.6, 0.3, 0.1]), 0.07
        to_positive = F.cosine_similarity(query, positive, dim=1)
        own = torch.stack([F.cosine_similarity(query, n, dim=1) for n in negatives.values()])
        unit, others = F.normalize(query, dim=1), []
        if batch:
            cosines = unit @ F.normalize(positive, dim=1).T
            others.append(cosines.masked_fill(torch.eye(count).bool(), -math.inf))
        if queue:
            cosines = unit @ F.normalize(past, dim=1).T
            others.append(cosines.masked_fill(~past.any(dim=1), -math.inf))
        gap = ((own - to_positive) / temperature).unsqueeze(2)
        gaps = (torch.cat(others, dim=1) - to_positive.unsqueeze(1)) / temperature
        joined = torch.cat([gap, gaps.expand(3, -1, -1)], dim=2).logsumexp(dim=2)
        expected = (weights * F.softplus(joined).mean(dim=1)).sum()
        found = loss(query, positive, negatives, weights, past if queue else None)
        assert torch.equal(found, expected)


def test_gradient_against_finite_difference():
    query, positive = torch.randn(2, 3, 4, dtype=torch.float64).unbind()
    own = torch.randn(3, 2, 4, dtype=torch.float64)
    others = torch.randn(5, 4, dtype=torch.float64)
    is_other = torch.rand(3, 5) < 0.7
    torch.autograd.gradcheck(
        lambda q, p, n, o: InfoNCE(0.3)(q, p, dict(a=n), others=o, is_other=is_other),
        [x.clone().requires_grad_() for x in (query, positive, own, others)],
    )


def test_equal_similarities_give_the_log_of_the_count():
    query = torch.randn(4, 8, dtype=torch.float64)
    loss = InfoNCE()(query, query, others=query[:, None].expand(4, 9, 8))
    assert loss.item() == pytest.approx(math.log(10), rel=1e-12)


def test_more_negatives_never_lower_it():
    query, positive = torch.randn(2, 4, 8, dtype=torch.float64)
    others = torch.randn(20, 8, dtype=torch.float64)
    losses = [InfoNCE()(query, positive, others=others[:n]).item() for n in range(21)]
    assert losses[0] == 0
    assert all(a < b for a, b in itertools.pairwise(losses))
