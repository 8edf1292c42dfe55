import math

import numpy as np
import pytest
import torch
from plain_objectives import cosine, embeddings

from mmfncontra.models.losses import DCL, InfoNCE


def plain_loop(query, positive, own, others, temperature):
    """The positive is not in the denominator."""
    total = 0.0
    for i, f in enumerate(query):
        down = sum(math.exp(cosine(f, x) / temperature) for x in [*own[i], *others])
        total += (-cosine(f, positive[i]) / temperature + math.log(down)) / len(query)
    return total


@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_equals_plain_loop(temperature):
    query, positive, own, others = embeddings()
    loss = DCL(temperature)(query, positive, dict(level=own), others=others)
    expected = plain_loop(*(x.numpy() for x in (query, positive, own, others)), temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_one_own_negative_is_the_difference_of_the_similarities():
    query, positive, own, _ = embeddings()
    loss = DCL(0.1)(query, positive, dict(level=own[:, 0]))
    expected = np.mean([
        (cosine(f, n) - cosine(f, p)) / 0.1
        for f, p, n in zip(query.numpy(), positive.numpy(), own[:, 0].numpy(), strict=True)
    ])  # fmt: skip
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_gradient_against_finite_difference():
    query, positive, own, others = (x[:3, ..., :4].clone() for x in embeddings())
    is_other = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 1, 0]]).bool()
    torch.autograd.gradcheck(
        lambda q, p, n, o: DCL(0.3)(q, p, dict(a=n), others=o, is_other=is_other),
        [x.requires_grad_() for x in (query, positive, own, others)],
    )


def test_info_nce_is_its_softplus_and_never_below_it():
    query, positive, own, others = embeddings()
    for i in range(len(query)):
        one = slice(i, i + 1)
        arguments = query[one], positive[one], dict(level=own[one])
        decoupled = DCL(0.2)(*arguments, others=others).item()
        coupled = InfoNCE(0.2)(*arguments, others=others).item()
        assert coupled == pytest.approx(math.log1p(math.exp(decoupled)), rel=1e-9)
        assert coupled > decoupled


def test_pull_does_not_fade_as_the_positive_comes_near():
    """Negative-positive coupling: InfoNCE's gradient vanishes with the gap, DCL's does not."""
    to_positive = torch.tensor([0.99], dtype=torch.float64, requires_grad=True)
    to_others = torch.tensor([[-0.5, -0.7]], dtype=torch.float64)
    gradient = {
        kind: torch.autograd.grad(kind(0.07).terms(to_positive, None, to_others).sum(), to_positive)
        for kind in (DCL, InfoNCE)
    }
    assert gradient[DCL][0].item() == pytest.approx(-1 / 0.07, rel=1e-12)
    assert abs(gradient[InfoNCE][0].item()) < 1e-6
