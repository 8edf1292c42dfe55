"""What the objectives have in common: which entries count, and how levels are put together."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_objectives import CLASS_PRIOR, HARDNESS, OBJECTIVES, build, draw, plain_loop, pull, term

from mmfncontra.models.losses import DebiasedInfoNCE, DWCLLoss
from mmfncontra.registry import MODELS

each = pytest.mark.parametrize('kind', OBJECTIVES)


@each
@pytest.mark.parametrize('per_query', [False, True])
def test_equals_plain_loop_with_masks_and_empty_places(kind, per_query):
    query, positive = pull()
    others = draw(5, 7, 6) if per_query else draw(7, 6)
    is_other = torch.rand(5, 7) < 0.6
    is_other[1] = False
    negatives = dict(near=draw(5, 3, 6), far=draw(5, 3, 6))
    others[..., 4, :] = 0
    weights = dict(near=0.3, far=2.0)
    loss = build(kind)(query, positive, negatives, weights, others=others, is_other=is_other)
    assert loss.shape == ()
    expected = plain_loop(kind, 0.3, query, positive, negatives, weights, others, is_other)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


@each
def test_own_negatives_by_level_one_or_several(kind):
    query, positive = pull()
    one = dict(a=draw(5, 6), b=draw(5, 6))
    several = dict(a=draw(5, 4, 6), b=draw(5, 4, 6))
    either = dict(a=draw(5, 1, 6), b=draw(5, 6))
    for negatives in (one, several, either):
        loss = build(kind)(query, positive, negatives, others=draw(0, 6))
        expected = plain_loop(kind, 0.3, query, positive, negatives)
        assert loss.item() == pytest.approx(expected, rel=1e-9)
    # The same row counts twice where it is given twice.
    twice = dict(a=one['a'][:, None].expand(5, 2, 6))
    loss = build(kind)(query, positive, twice, others=draw(0, 6))
    assert loss.item() == pytest.approx(plain_loop(kind, 0.3, query, positive, twice), rel=1e-9)


@each
@pytest.mark.parametrize('negatives', [None, {}])
def test_without_levels_there_is_one_term_of_weight_one(kind, negatives):
    query, positive = pull()
    others = draw(7, 6)
    loss = build(kind)(query, positive, negatives, others=others)
    expected = plain_loop(kind, 0.3, query, positive, None, None, others)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


@each
def test_a_masked_row_a_row_of_zeros_and_an_absent_row_are_the_same(kind):
    query, positive = pull()
    others = draw(7, 6)
    keep = torch.tensor([True, False, True, True, False, True, True])
    objective = build(kind)
    absent = objective(query, positive, others=others[keep])
    masked = objective(query, positive, others=others, is_other=keep.expand(5, 7))
    empty = objective(query, positive, others=others * keep[:, None])
    own_copies = objective(query, positive, others=others[keep].expand(5, 5, 6))
    for loss in (masked, empty, own_copies):
        assert loss.item() == pytest.approx(absent.item(), rel=1e-12)


@each
def test_shared_others_and_each_querys_own_others_agree(kind):
    query, positive = pull()
    others, is_other = draw(7, 6), torch.rand(5, 7) < 0.7
    shared = build(kind)(query, positive, others=others, is_other=is_other)
    own = build(kind)(query, positive, others=others.expand(5, 7, 6), is_other=is_other)
    assert own.item() == pytest.approx(shared.item(), rel=1e-12)


@each
def test_weights_as_mapping_tensor_or_none(kind):
    query, positive = pull()
    others = draw(3, 6)
    negatives = dict(easy=draw(5, 6), hard=draw(5, 6))
    objective = build(kind)
    single = {
        name: objective(query, positive, {name: x}, others=others).item()
        for name, x in negatives.items()
    }
    cases = [
        (None, (1.0, 1.0)),
        (dict(hard=0.25, easy=3, unused=9.0), (3.0, 0.25)),
        (dict(easy=torch.tensor(0.5), hard=0.0), (0.5, 0.0)),
        (torch.tensor([0.2, 0.8]), (0.2, 0.8)),
    ]
    for weights, (easy, hard) in cases:
        loss = objective(query, positive, negatives, weights, others=others)
        expected = easy * single['easy'] + hard * single['hard']
        assert loss.item() == pytest.approx(expected, rel=1e-7)


@each
def test_a_query_without_any_negative_adds_nothing(kind):
    query, positive = pull()
    others = draw(5, 6)
    is_other = ~torch.eye(5, dtype=torch.bool)
    is_other[1] = False
    inputs = [query.requires_grad_(), positive.requires_grad_(), others.requires_grad_()]
    loss = build(kind)(query, positive, others=others, is_other=is_other)
    expected = plain_loop(kind, 0.3, query, positive, None, None, others, is_other)
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    gradients = torch.autograd.grad(loss, inputs)
    assert all(x.isfinite().all() for x in gradients)
    assert not gradients[0][1].any() and not gradients[1][1].any()
    assert gradients[0][0].any() and gradients[1][0].any()


@each
def test_nothing_but_empty_places_is_zero_with_zero_gradient(kind):
    query, positive = (x.requires_grad_() for x in pull())
    others = torch.zeros(4, 6, dtype=torch.float64)
    loss = build(kind)(query, positive, others=others)
    assert loss.item() == 0
    for gradient in torch.autograd.grad(loss, [query, positive]):
        assert torch.equal(gradient, torch.zeros_like(gradient))


@each
def test_empty_places_get_no_gradient_that_is_not_finite(kind):
    query, positive = pull()
    own, others = draw(5, 3, 6), draw(4, 6)
    others[3] = 0
    inputs = [x.requires_grad_() for x in (query, positive, own, others)]
    gradients = torch.autograd.grad(
        build(kind)(query, positive, dict(a=own), others=others), inputs
    )
    assert all(x.isfinite().all() for x in gradients)
    assert not gradients[3][3].any() and gradients[3][:3].any(dim=1).all()


@each
def test_own_rows_of_zeros_are_empty_places_too(kind):
    query, positive = pull()
    negatives, others = dict(near=draw(5, 3, 6), far=draw(5, 3, 6)), draw(4, 6)
    negatives['near'][2], negatives['far'][0, 1] = 0, 0
    is_other = torch.ones(5, 4, dtype=torch.bool)
    is_other[2] = False
    inputs = [x.requires_grad_() for x in (query, positive, *negatives.values())]
    loss = build(kind)(query, positive, negatives, others=others, is_other=is_other)
    expected = plain_loop(kind, 0.3, query, positive, negatives, None, others, is_other)
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    gradients = torch.autograd.grad(loss, inputs)
    assert all(x.isfinite().all() for x in gradients)
    assert not gradients[2][2].any() and not gradients[3][0, 1].any()


@each
@pytest.mark.parametrize('per_query', [False, True])
def test_negatives_of_one_kind_are_enough_for_a_query(kind, per_query):
    """Query 1 has others alone, query 3 its own alone, query 4 neither at one of two levels."""
    query, positive = pull()
    near, far = draw(5, 3, 6), draw(5, 3, 6)
    near[1] = far[1] = near[4] = 0
    others = draw(5, 4, 6) if per_query else draw(4, 6)
    is_other = torch.ones(5, 4, dtype=torch.bool)
    is_other[[3, 4]] = False
    inputs = [x.requires_grad_() for x in (query, positive, near, far, others)]
    negatives, weights = dict(near=near, far=far), dict(near=0.3, far=2.0)
    loss = build(kind)(query, positive, negatives, weights, others=others, is_other=is_other)
    expected = plain_loop(kind, 0.3, query, positive, negatives, weights, others, is_other)
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    gradients = torch.autograd.grad(loss, inputs)
    assert all(x.isfinite().all() for x in gradients)
    assert gradients[0].any(dim=1).all() and gradients[1].any(dim=1).all()
    for near_or_far in gradients[2:4]:
        assert not near_or_far[1].any() and near_or_far[3].any()


@each
def test_a_term_is_zero_only_where_both_kinds_are_missing(kind):
    to_positive = torch.tensor([0.9, 0.2, -0.4, 0.5], dtype=torch.float64)
    to_own = torch.tensor([[0.3, -0.1]] * 4, dtype=torch.float64)
    to_others = torch.tensor([[0.1, 0.6, -0.7]] * 4, dtype=torch.float64)
    to_own[[1, 3]] = -math.inf
    to_others[[2, 3]] = -math.inf
    found = build(kind).terms(to_positive, to_own.unsqueeze(0), to_others)
    own, others = (
        [[x for x in row if x > -math.inf] for row in cosines.tolist()]
        for cosines in (to_own, to_others)
    )
    all_s = to_positive.tolist()
    expected = [term(kind, 0.3, s, own[i], others[i], all_s) for i, s in enumerate(all_s)]
    assert found[0].tolist() == pytest.approx(expected, rel=1e-9)
    assert found[0, :3].all() and found[0, 3] == 0


@each
@pytest.mark.parametrize('sign', [-1, 1])
def test_does_not_overflow_at_small_temperatures(kind, sign):
    """The positive is opposite or equal, the negatives are equal or opposite: exp(100)."""
    query = torch.randn(4, 6)
    inputs = [query, sign * query, -sign * query[:, None].expand(4, 2, 6)]
    inputs = [x.clone().requires_grad_() for x in inputs]
    objective = build(kind, 0.01)
    loss = objective(inputs[0], inputs[1], dict(a=inputs[2][:, 0]), others=inputs[2])
    as_double = [x.detach().double() for x in inputs]
    expected = plain_loop(
        kind, 0.01, as_double[0], as_double[1], dict(a=as_double[2][:, 0]), None, as_double[2]
    )
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert all(x.isfinite().all() for x in torch.autograd.grad(loss, inputs))


@each
def test_terms_from_cosines(kind):
    levels, batch = 3, 4
    to_positive = torch.rand(batch, dtype=torch.float64) * 2 - 1
    to_own = torch.rand(levels, batch, 2, dtype=torch.float64) * 2 - 1
    to_others = torch.rand(batch, 6, dtype=torch.float64) * 2 - 1
    to_others[torch.rand(batch, 6) < 0.3] = -math.inf
    to_others[0] = -math.inf
    objective, all_s = build(kind), to_positive.tolist()

    def expected(own, others):
        return [
            [
                term(
                    kind, 0.3, s, own[k][i] if own is not None else [],
                    [x for x in others[i] if x > -math.inf] if others is not None else [], all_s,
                )
                for i, s in enumerate(all_s)
            ]
            for k in range(levels if own is not None else 1)
        ]  # fmt: skip

    for own, others in ((to_own, to_others), (None, to_others)):
        found = objective.terms(to_positive, own, others)
        wanted = expected(own if own is None else own.tolist(), others.tolist())
        torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64), rtol=1e-9,
                                   atol=1e-12)  # fmt: skip
    if kind is not DebiasedInfoNCE:
        found = objective.terms(to_positive, to_own, None)
        wanted = torch.tensor(expected(to_own.tolist(), None), dtype=torch.float64)
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


@each
@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**20), batch=st.integers(1, 4), own=st.integers(0, 3),
    count=st.integers(0, 5), levels=st.integers(0, 3), temperature=st.floats(0.05, 2.0),
)  # fmt: skip
def test_any_shape_equals_plain_loop(kind, seed, batch, own, count, levels, temperature):
    torch.manual_seed(seed)
    query, positive = pull(batch, 4)
    shape = (batch, own, 4) if own else (batch, 4)
    negatives = {str(k): draw(*shape) for k in range(levels)}
    others, is_other = draw(batch, count, 4), torch.rand(batch, count) < 0.7
    weights = {name: 1.0 + k for k, name in enumerate(negatives)}
    loss = build(kind, temperature)(query, positive, negatives, weights, others, is_other)
    expected = plain_loop(kind, temperature, query, positive, negatives, weights, others, is_other)
    assert loss.item() == pytest.approx(expected, rel=1e-8, abs=1e-9)


@each
def test_length_of_embeddings_does_not_matter(kind):
    query, positive = pull()
    negatives, others = dict(a=draw(5, 3, 6)), draw(7, 6)
    objective = build(kind)
    plain = objective(query, positive, negatives, others=others)
    stretched = objective(
        query * 5, positive * 0.2, dict(a=negatives['a'] * 30), others=others * 0.01
    )
    assert stretched.item() == pytest.approx(plain.item(), rel=1e-10)


@each
def test_half_precision_embeddings_are_compared_in_float32(kind):
    query, positive = (x.bfloat16() for x in pull())
    negatives, others = dict(a=draw(5, 6).bfloat16()), draw(7, 6).bfloat16()
    loss = build(kind)(query, positive, negatives, others=others)
    assert loss.dtype == torch.float32
    expected = plain_loop(
        kind, 0.3, query.double(), positive.double(), dict(a=negatives['a'].double()), None,
        others.double(),
    )  # fmt: skip
    assert loss.item() == pytest.approx(expected, rel=1e-4)


@each
def test_is_registered_and_the_default_temperature_is_that_of_the_paper(kind):
    objective = MODELS.build(dict(type=f'mmfncontra.{kind.__name__}'))
    assert type(objective) is kind and objective.temperature == 0.07
    assert objective.needs_others is (kind is DebiasedInfoNCE)


@each
@pytest.mark.parametrize('temperature', [0, -1.0, math.nan, math.inf])
def test_refuses_temperature(kind, temperature):
    with pytest.raises(ValueError, match='temperature must be positive'):
        kind(temperature=temperature)


@each
def test_refuses_missing_or_miscounted_weights(kind):
    query, positive = pull()
    negatives, others = dict(easy=draw(5, 6), hard=draw(5, 6)), draw(7, 6)
    with pytest.raises(ValueError, match=r"weights has no entry for \['hard'\]"):
        build(kind)(query, positive, negatives, dict(easy=1.0), others=others)
    with pytest.raises(ValueError, match='weights must have one entry for each'):
        build(kind)(query, positive, negatives, torch.ones(3), others=others)


@each
def test_refuses_levels_of_different_counts(kind):
    query, positive = pull()
    negatives = dict(easy=draw(5, 2, 6), hard=draw(5, 3, 6))
    with pytest.raises(ValueError, match='negatives must hold equally many'):
        build(kind)(query, positive, negatives, others=draw(7, 6))


@each
@pytest.mark.parametrize('negatives', [None, {}])
def test_refuses_a_call_without_negatives_of_any_kind(kind, negatives):
    with pytest.raises(ValueError, match=f'{kind.__name__} needs negatives'):
        build(kind)(*pull(), negatives)


@each
@pytest.mark.parametrize('shape', [(1, 6), (4, 6), (5, 1), (5, 7), (6,)])
def test_refuses_positives_of_another_shape(kind, shape):
    message = f'positive must have the shape of query, (B, E), got {shape} and (5, 6)'
    with pytest.raises(ValueError, match=f'^{re.escape(message)}$'):
        build(kind)(draw(5, 6), draw(*shape), dict(a=draw(5, 6)), others=draw(7, 6))


@each
def test_refuses_a_choice_of_others_without_others(kind):
    is_other = torch.ones(5, 7, dtype=torch.bool)
    with pytest.raises(ValueError, match=r'^is_other needs others, got none$'):
        build(kind)(*pull(), dict(a=draw(5, 6)), is_other=is_other)


@each
def test_dwcl_sums_up_its_objective(kind):
    query, positive = pull()
    past = draw(4, 6)
    past[3] = 0
    negatives = dict(easy=draw(5, 6), hard=draw(5, 6))
    weights = dict(easy=0.2, hard=0.7)
    arguments = dict(DebiasedInfoNCE=dict(class_prior=CLASS_PRIOR, hardness=HARDNESS))
    loss = DWCLLoss(
        0.3, loss_weight=0.5, batch_negatives=True, queue_size=4,
        objective=dict(type=f'mmfncontra.{kind.__name__}', **arguments.get(kind.__name__, {})),
    )  # fmt: skip
    is_other = torch.cat([~torch.eye(5, dtype=torch.bool), torch.ones(5, 4).bool()], dim=1)
    expected = plain_loop(
        kind, 0.3, query, positive, negatives, weights, torch.cat([positive, past]), is_other
    )
    found = loss(query, positive, negatives, weights, past=past)
    assert found.item() == pytest.approx(0.5 * expected, rel=1e-9)


def test_dwcl_refuses_an_objective_without_what_it_needs():
    with pytest.raises(ValueError, match='batch_negatives'):
        DWCLLoss(objective=dict(type='mmfncontra.DebiasedInfoNCE'))
    DWCLLoss(objective=dict(type='mmfncontra.DebiasedInfoNCE'), batch_negatives=True)
    DWCLLoss(objective=dict(type='mmfncontra.DebiasedInfoNCE'), queue_size=2)
    with pytest.raises(ValueError, match='temperature'):
        DWCLLoss(objective=dict(type='mmfncontra.DCL', temperature=0.1))
