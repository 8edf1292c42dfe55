import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_objectives import cosine, embeddings

from mmfncontra.models.losses import DebiasedInfoNCE, InfoNCE


def plain_loop(query, positive, own, others, temperature, class_prior, hardness):
    """Own negatives (B, n, E) as they are, the N others (N, E) corrected."""
    total = 0.0
    for i, f in enumerate(query):
        up = math.exp(cosine(f, positive[i]) / temperature)
        e = [math.exp(cosine(f, x) / temperature) for x in others]
        v = [x**hardness for x in e]
        mean = sum(a * b for a, b in zip(v, e, strict=True)) / sum(v)
        g = max((mean - class_prior * up) / (1 - class_prior), math.exp(-1 / temperature))
        down = up + sum(math.exp(cosine(f, x) / temperature) for x in own[i]) + len(others) * g
        total += -math.log(up / down) / len(query)
    return total


def arrays(*tensors):
    return [x.detach().double().numpy() for x in tensors]


@pytest.mark.parametrize('temperature', [0.07, 0.5])
@pytest.mark.parametrize('class_prior', [0.0, 0.1, 0.5])
@pytest.mark.parametrize('hardness', [0.0, 0.3, 2.0])
def test_equals_plain_loop(temperature, class_prior, hardness):
    x = embeddings()
    query, positive, own, others = x
    objective = DebiasedInfoNCE(temperature, class_prior, hardness)
    loss = objective(query, positive, dict(level=own), others=others)
    expected = plain_loop(*arrays(*x), temperature, class_prior, hardness)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_default_arguments():
    x = embeddings()
    loss = DebiasedInfoNCE()(x[0], x[1], dict(level=x[2]), others=x[3])
    assert loss.item() == pytest.approx(plain_loop(*arrays(*x), 0.07, 0.1, 0.0), rel=1e-9)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**20), batch=st.integers(1, 4), count=st.integers(1, 6),
    temperature=st.floats(0.05, 2.0), class_prior=st.floats(0, 0.95), hardness=st.floats(0, 3),
)  # fmt: skip
def test_any_arguments_equal_plain_loop(seed, batch, count, temperature, class_prior, hardness):
    torch.manual_seed(seed)
    x = embeddings(batch, 4, count)
    objective = DebiasedInfoNCE(temperature, class_prior, hardness)
    loss = objective(x[0], x[1], dict(level=x[2]), others=x[3])
    expected = plain_loop(*arrays(*x), temperature, class_prior, hardness)
    assert loss.item() == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize('temperature', [0.01, 0.07, 1.0])
@pytest.mark.parametrize('with_own', [False, True])
def test_nothing_to_correct_is_info_nce(temperature, with_own):
    query, positive, own, others = embeddings()
    is_other = torch.rand(5, 9) < 0.6
    negatives = dict(level=own) if with_own else None
    arguments = dict(negatives=negatives, others=others, is_other=is_other)
    corrected = DebiasedInfoNCE(temperature, class_prior=0, hardness=0)
    loss = corrected(query, positive, **arguments)
    expected = InfoNCE(temperature)(query, positive, **arguments)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_great_hardness_puts_all_weight_on_the_hardest(dtype):
    query, positive, own, others = (x.to(dtype) for x in embeddings())
    loss = DebiasedInfoNCE(0.1, class_prior=0.05, hardness=1e4)(
        query, positive, dict(level=own), others=others
    )
    q, p, o, x = arrays(query, positive, own, others)
    total = 0.0
    for i, f in enumerate(q):
        up = math.exp(cosine(f, p[i]) / 0.1)
        hardest = max(math.exp(cosine(f, y) / 0.1) for y in x)
        g = max((hardest - 0.05 * up) / 0.95, math.exp(-1 / 0.1))
        down = up + sum(math.exp(cosine(f, y) / 0.1) for y in o[i]) + len(x) * g
        total += -math.log(up / down) / len(q)
    assert loss.item() == pytest.approx(total, rel=1e-5 if dtype == torch.float32 else 1e-9)


def test_the_harder_the_greater():
    query, positive, _, others = embeddings()
    losses = [
        DebiasedInfoNCE(0.1, 0, hardness)(query, positive, others=others).item()
        for hardness in (0, 0.1, 0.5, 1, 3)
    ]
    assert all(a < b for a, b in itertools.pairwise(losses))


def near_positive_far_others():
    """The correction would be below 0 for every query: the floor holds."""
    query = torch.randn(4, 6, dtype=torch.float64)
    positive = query + 0.1 * torch.randn(4, 6, dtype=torch.float64)
    others = -query[:, None] + 0.5 * torch.randn(4, 3, 6, dtype=torch.float64)
    return query, positive, others


def test_is_clamped_at_the_floor():
    query, positive, others = near_positive_far_others()
    objective = DebiasedInfoNCE(0.5, class_prior=0.3)
    loss = objective(query, positive, others=others)
    floor = math.exp(-1 / 0.5)
    expected = 0.0
    for f, p, rows in zip(query.numpy(), positive.numpy(), others.numpy(), strict=True):
        up = math.exp(cosine(f, p) / 0.5)
        mean = sum(math.exp(cosine(f, x) / 0.5) for x in rows) / 3
        assert (mean - 0.3 * up) / 0.7 < 0
        expected += -math.log(up / (up + 3 * floor)) / 4
    assert loss.item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_no_gradient_to_others_at_the_floor(dtype):
    inputs = [x.to(dtype).requires_grad_() for x in near_positive_far_others()]
    loss = DebiasedInfoNCE(0.5, class_prior=0.3)(inputs[0], inputs[1], others=inputs[2])
    to_query, to_positive, to_others = torch.autograd.grad(loss, inputs)
    assert torch.equal(to_others, torch.zeros_like(to_others))
    assert to_query.isfinite().all() and to_positive.isfinite().all() and to_positive.any()


@pytest.mark.parametrize(('class_prior', 'hardness'), [(0.0, 0.0), (0.05, 0.0), (0.05, 0.7)])
def test_gradient_against_finite_difference(class_prior, hardness):
    """Through the weights of the hard ones too, as published."""
    query, positive, own, others = (x[:3, ..., :4].clone() for x in embeddings())
    is_other = torch.tensor([[1, 0, 1], [1, 1, 1], [0, 1, 1]]).bool()
    objective = DebiasedInfoNCE(0.5, class_prior, hardness)
    torch.autograd.gradcheck(
        lambda q, p, n, o: objective(q, p, dict(a=n), others=o, is_other=is_other),
        [x.requires_grad_() for x in (query, positive, own, others)],
    )


def test_gradient_at_the_floor_against_finite_difference():
    inputs = [x.requires_grad_() for x in near_positive_far_others()]
    objective = DebiasedInfoNCE(0.5, class_prior=0.3, hardness=0.5)
    torch.autograd.gradcheck(lambda q, p, o: objective(q, p, others=o), inputs)


def test_exactly_at_the_border_the_floor_holds_with_a_finite_gradient():
    """M = τ⁺ e^p to the last bit: the logarithm of the difference is that of 0."""
    to_positive = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    to_others = torch.full((1, 1), math.log(0.5), dtype=torch.float64, requires_grad=True)
    term = DebiasedInfoNCE(1.0, class_prior=0.5).terms(to_positive, None, to_others)
    assert term.item() == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-12)
    gradients = torch.autograd.grad(term.sum(), [to_positive, to_others])
    assert all(x.isfinite().all() for x in gradients)


def test_counts_only_entries_that_are_negatives():
    query, positive, own, others = embeddings()
    is_other = torch.rand(5, 9) < 0.5
    is_other[:, 0] = True
    is_other[2] = False
    objective = DebiasedInfoNCE(0.3, 0.1, 0.5)
    loss = objective(query, positive, dict(a=own), others=others, is_other=is_other)
    expected = 0.0
    for i in range(5):
        one = [x[i : i + 1] for x in (query, positive, own)]
        if is_other[i].any():
            expected += plain_loop(*arrays(*one, others[is_other[i]]), 0.3, 0.1, 0.5) / 5
        else:
            expected += InfoNCE(0.3)(one[0], one[1], dict(a=one[2])).item() / 5
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_own_negatives_are_not_corrected():
    """However near the positive is, an own negative keeps its whole share."""
    query, _, own, _ = embeddings()
    none = torch.zeros(2, 16, dtype=torch.float64)
    plain = InfoNCE(0.3)(query, query, dict(a=own))
    loss = DebiasedInfoNCE(0.3, class_prior=0.9)(query, query, dict(a=own), others=none)
    assert loss.item() == pytest.approx(plain.item(), rel=1e-10)


@pytest.mark.parametrize('class_prior', [0.1, 0.5])
@pytest.mark.parametrize('scale', [1.0, -1.0])
def test_small_temperature_in_float32(class_prior, scale):
    torch.manual_seed(3)
    query = torch.randn(4, 8)
    positive = scale * query + 0.3 * torch.randn(4, 8)
    others = torch.randn(6, 8)
    others[0] = query[0]
    inputs = [x.requires_grad_() for x in (query, positive, others)]
    objective = DebiasedInfoNCE(0.01, class_prior, hardness=1.0)
    loss = objective(query, positive, others=others)
    no_own = np.zeros((4, 0, 8))
    q, p, o = arrays(*inputs)
    expected = plain_loop(q, p, no_own, o, 0.01, class_prior, 1.0)
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert all(x.isfinite().all() for x in torch.autograd.grad(loss, inputs))


def test_needs_others():
    assert DebiasedInfoNCE.needs_others is True
    assert InfoNCE.needs_others is False
    query, positive, own, _ = embeddings()
    with pytest.raises(ValueError, match='needs negatives that are other images'):
        DebiasedInfoNCE()(query, positive, dict(a=own))


@pytest.mark.parametrize('class_prior', [-0.1, 1.0, 2, float('nan')])
def test_refuses_class_prior(class_prior):
    with pytest.raises(ValueError, match='class_prior must be'):
        DebiasedInfoNCE(class_prior=class_prior)


@pytest.mark.parametrize('hardness', [-0.1, math.nan, math.inf])
def test_refuses_hardness(hardness):
    with pytest.raises(ValueError, match=f'^hardness must be 0 or more, got {hardness}$'):
        DebiasedInfoNCE(hardness=hardness)


def test_refuses_a_hardness_that_is_no_number():
    with pytest.raises(ValueError, match=r"^hardness must be a number, got 'hard'$"):
        DebiasedInfoNCE(hardness='hard')
