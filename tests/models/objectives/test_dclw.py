import math

import numpy as np
import pytest
import torch
from plain_objectives import cosine, embeddings

from mmfncontra.models.losses import DCL, DCLW


def von_mises_weights(query, positive, sigma):
    exponentials = [math.exp(cosine(f, p) / sigma) for f, p in zip(query, positive, strict=True)]
    mean = sum(exponentials) / len(exponentials)
    return [2 - x / mean for x in exponentials]


def plain_loop(query, positive, own, others, temperature, sigma, v=None):
    v = von_mises_weights(query, positive, sigma) if v is None else v
    total = 0.0
    for i, f in enumerate(query):
        down = sum(math.exp(cosine(f, x) / temperature) for x in [*own[i], *others])
        total += (-v[i] * cosine(f, positive[i]) / temperature + math.log(down)) / len(query)
    return total


@pytest.mark.parametrize(('temperature', 'sigma'), [(0.07, 0.5), (1.0, 0.5), (0.3, 0.1)])
def test_equals_plain_loop(temperature, sigma):
    query, positive, own, others = embeddings()
    loss = DCLW(temperature, sigma)(query, positive, dict(level=own), others=others)
    arrays = [x.numpy() for x in (query, positive, own, others)]
    assert loss.item() == pytest.approx(plain_loop(*arrays, temperature, sigma), rel=1e-10)


def test_default_sigma():
    query, positive, own, others = embeddings()
    arguments = query, positive, dict(level=own)
    explicit = DCLW(temperature=0.07, sigma=0.5)(*arguments, others=others)
    assert DCLW()(*arguments, others=others).item() == explicit.item()


def test_gradient_against_finite_difference_of_the_formula_at_constant_weights():
    query, positive, own, others = (x[:3, ..., :4].clone() for x in embeddings())
    inputs = [x.requires_grad_() for x in (query, positive, own, others)]
    loss = DCLW(0.3, 0.4)(query, positive, dict(a=own), others=others)
    found = torch.autograd.grad(loss, inputs)
    arrays = [x.detach().numpy() for x in inputs]
    v, step = von_mises_weights(*arrays[:2], 0.4), 1e-6
    assert max(v) - min(v) > 0.1
    for array, gradient in zip(arrays, found, strict=True):
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + step
            up = plain_loop(*arrays, 0.3, 0.4, v)
            array[place] = kept - step
            down = plain_loop(*arrays, 0.3, 0.4, v)
            array[place] = kept
            difference = (up - down) / (2 * step)
            assert gradient[place].item() == pytest.approx(difference, rel=1e-5, abs=1e-7)


def test_batch_of_one_and_equal_positives_are_dcl():
    query, positive, own, others = embeddings()
    one = query[:1], positive[:1], dict(level=own[:1])
    same = query, query, dict(level=own)
    for arguments in (one, same):
        weighted = DCLW(0.2)(*arguments, others=others)
        assert weighted.item() == pytest.approx(DCL(0.2)(*arguments, others=others).item())


def test_a_far_positive_is_pulled_more():
    to_positive = torch.tensor([0.9, -0.4], dtype=torch.float64, requires_grad=True)
    to_others = torch.zeros(2, 4, dtype=torch.float64)
    terms = DCLW(0.1, sigma=0.5).terms(to_positive, None, to_others)
    near, far = torch.autograd.grad(terms.sum(), to_positive)[0].tolist()
    mean = (math.exp(1.8) + math.exp(-0.8)) / 2
    assert near == pytest.approx(-(2 - math.exp(1.8) / mean) / 0.1, rel=1e-10)
    assert far == pytest.approx(-(2 - math.exp(-0.8) / mean) / 0.1, rel=1e-10)
    assert far < near < 0


def test_small_sigma_does_not_overflow():
    query, positive, own, others = (x.float() for x in embeddings())
    positive = query + 0.01 * positive
    loss = DCLW(0.07, sigma=0.005)(query.requires_grad_(), positive, dict(level=own), others=others)
    arrays = [x.detach().double().numpy() for x in (query, positive, own, others)]
    assert loss.item() == pytest.approx(plain_loop(*arrays, 0.07, 0.005), rel=1e-4)
    assert torch.autograd.grad(loss, query)[0].isfinite().all()


@pytest.mark.parametrize('batch', [1, 5])
def test_gathering_on_one_process_changes_nothing(batch):
    query, positive, own, others = embeddings(batch)
    losses = DCLW(0.3), DCLW(0.3)
    losses[1].gather = True
    one, other = (loss(query, positive, dict(level=own), others=others) for loss in losses)
    assert torch.equal(one, other)
    assert not losses[0].state_dict() and not losses[1].state_dict()


@pytest.mark.parametrize(
    ('sigma', 'wanted'),
    [(0, 'positive'), (-0.5, 'positive'), (math.nan, 'positive'), (math.inf, 'positive'),
     ('a', 'a number')],
)  # fmt: skip
def test_refuses_sigma(sigma, wanted):
    with pytest.raises(ValueError, match=f'^sigma must be {wanted}, got {sigma!r}$'):
        DCLW(sigma=sigma)
