import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from seeds import check_draws_follow_the_seed

from mmfncontra.models.losses import DWCLLoss, InfoNCE
from mmfncontra.models.negatives import SyntheticNegatives
from mmfncontra.registry import MODELS


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def hardest_of(query, others, allowed, count):
    """Indices of the entries nearest to the query, and all of the unit vectors."""
    rows = unit(np.where(np.any(others, axis=1, keepdims=True), others, 1.0))
    cosines = rows @ unit(query)
    usable = [j for j in range(len(others)) if allowed[j] and np.any(others[j])]
    return sorted(usable, key=lambda j: -cosines[j])[:count], rows


def sources(mix, candidates, rows, tolerance=1e-4):
    """Pairs (a, b) and shares α of a such that the unit vector ``mix`` is on the arc between."""
    found = []
    for a, b in itertools.combinations(candidates, 2):
        basis = np.stack([rows[a], rows[b]], axis=1)
        x = np.linalg.lstsq(basis, mix, rcond=None)[0]
        if np.abs(basis @ x - mix).max() < tolerance and x.min() > -tolerance:
            found.append(((a, b), x[0] / x.sum()))
    return found


@pytest.mark.parametrize('per_query', [False, True])
def test_mixes_lie_on_the_arc_between_two_of_the_hardest(per_query):
    query = torch.randn(6, 12)
    others = torch.randn(6, 20, 12) if per_query else torch.randn(20, 12)
    others[..., 3, :] = 0
    is_other = torch.rand(6, 20) < 0.7
    mixes = SyntheticNegatives(num=16, hardest=5)(query, others, is_other)
    assert mixes.shape == (6, 16, 12)
    for i in range(6):
        rows = (others[i] if per_query else others).double().numpy()
        hardest, rows = hardest_of(query[i].double().numpy(), rows, is_other[i].tolist(), 5)
        for mix in mixes[i].double().numpy():
            assert np.linalg.norm(mix) == pytest.approx(1, abs=1e-5)
            assert sources(mix, hardest, rows)


def test_without_a_mask_every_row_that_is_not_empty_counts():
    query, others = torch.randn(3, 9), torch.randn(6, 9)
    others[2] = 0
    mixes = SyntheticNegatives(num=200, hardest=64)(query, others)
    for i in range(3):
        hardest, rows = hardest_of(
            query[i].double().numpy(), others.double().numpy(), [True] * 6, 64
        )
        assert len(hardest) == 5
        seen = {sources(mix, hardest, rows)[0][0] for mix in mixes[i].double().numpy()}
        assert seen == set(itertools.combinations(hardest, 2))


def test_shares_and_pairs_are_uniform():
    query, others = torch.randn(2, 8), torch.randn(10, 8)
    mixes = SyntheticNegatives(num=1500, hardest=4)(query, others)
    for i in range(2):
        hardest, rows = hardest_of(
            query[i].double().numpy(), others.double().numpy(), [True] * 10, 4
        )
        found = [sources(mix, hardest, rows)[0] for mix in mixes[i].double().numpy()]
        assert stats.kstest([share for _, share in found], 'uniform').pvalue > 1e-3
        pairs = list(itertools.combinations(hardest, 2))
        counts = [sum(pair == p for pair, _ in found) for p in pairs]
        assert stats.chisquare(counts).pvalue > 1e-3


def test_each_query_draws_for_itself():
    query = torch.randn(1, 8).expand(2, 8)
    mixes = SyntheticNegatives(num=8, hardest=4)(query, torch.randn(10, 8))
    assert not torch.allclose(mixes[0], mixes[1])


def test_length_of_the_others_does_not_matter():
    query, others = torch.randn(3, 8), torch.randn(10, 8)
    module = SyntheticNegatives(num=8, hardest=4)
    torch.manual_seed(1)
    plain = module(query, others)
    torch.manual_seed(1)
    lengths = torch.linspace(0.1, 20, 10).unsqueeze(1)
    stretched = module(3 * query, others * lengths)
    torch.testing.assert_close(stretched, plain, rtol=1e-4, atol=1e-5)


def test_exactly_two_others_are_enough():
    query, others = torch.randn(2, 6), torch.randn(9, 6)
    is_other = torch.zeros(2, 9, dtype=torch.bool)
    is_other[0, [1, 7]] = True
    is_other[1, [0, 4]] = True
    mixes = SyntheticNegatives(num=50, hardest=64)(query, others, is_other)
    for i, pair in enumerate([(1, 7), (0, 4)]):
        rows = unit(others.double().numpy())
        for mix in mixes[i].double().numpy():
            assert sources(mix, pair, rows)


def test_fewer_than_two_others_give_rows_of_zeros():
    query, others = torch.randn(4, 6), torch.randn(5, 6)
    others[4] = 0
    is_other = torch.ones(4, 5, dtype=torch.bool)
    is_other[1] = False
    is_other[2] = torch.tensor([False, False, True, False, True])
    mixes = SyntheticNegatives(num=7, hardest=3)(query, others, is_other)
    assert torch.equal(mixes[1:3], torch.zeros(2, 7, 6))
    for i in (0, 3):
        torch.testing.assert_close(mixes[i].norm(dim=1), torch.ones(7))


@pytest.mark.parametrize('count', [0, 1])
def test_no_others_at_all(count):
    mixes = SyntheticNegatives(num=7, hardest=3)(torch.randn(4, 6), torch.randn(count, 6))
    assert torch.equal(mixes, torch.zeros(4, 7, 6))


def test_is_harder_than_what_it_is_mixed_from():
    """Between two unit vectors in the query's half space the mean direction is nearer to it."""
    query = torch.tensor([[1.0, 0, 0]])
    others = torch.tensor([[1.0, 1, 0], [1.0, -1, 0], [-1.0, 0, 1], [-1.0, 0, -1]])
    mixes = SyntheticNegatives(num=64, hardest=2)(query, others)
    cosines = mixes[0] @ query[0]
    assert cosines.min() > 2**-0.5 - 1e-5 and cosines.max() > 0.95
    assert not mixes[0, :, 2].abs().gt(1e-6).any()


def test_same_seed_same_mixes():
    module = SyntheticNegatives(num=8, hardest=4)
    check_draws_follow_the_seed(module, torch.randn(3, 8), torch.randn(9, 8))


def test_gradient_is_finite_and_none_where_a_query_has_no_others():
    query = torch.randn(3, 6, requires_grad=True)
    positive = torch.randn(3, 6, requires_grad=True)
    others = torch.randn(4, 6, requires_grad=True)
    is_other = torch.ones(3, 4, dtype=torch.bool)
    is_other[1] = False
    mixes = SyntheticNegatives(num=5, hardest=3)(query, others, is_other)
    loss = InfoNCE()(query, positive, others=mixes)
    gradients = torch.autograd.grad(loss, [query, positive, others])
    assert all(x.isfinite().all() for x in gradients)
    assert not gradients[0][1].any() and gradients[0][0].any() and gradients[2].any()


def test_gradient_to_the_others_against_finite_difference():
    module, query = SyntheticNegatives(num=4, hardest=3), torch.randn(2, 4, dtype=torch.float64)

    def seeded(others):
        torch.manual_seed(3)
        return module(query, others)

    torch.autograd.gradcheck(seeded, (torch.randn(5, 4, dtype=torch.float64).requires_grad_(),))


def test_leaves_what_it_is_given():
    query, others, is_other = torch.randn(3, 6), torch.randn(4, 6), torch.ones(3, 4).bool()
    kept = [x.clone() for x in (query, others, is_other)]
    SyntheticNegatives(num=5, hardest=3)(query, others, is_other)
    assert all(torch.equal(a, b) for a, b in zip(kept, (query, others, is_other), strict=True))


def test_dwcl_has_harder_negatives_with_them():
    query, positive = torch.randn(2, 8, 16)
    kwargs = dict(batch_negatives=True, temperature=0.2)
    plain = DWCLLoss(**kwargs)(query, positive, {}, {})
    mixed = DWCLLoss(synthetic=dict(type='mmfncontra.SyntheticNegatives', num=16), **kwargs)
    # More negatives in the denominator, none of the old ones lost.
    assert mixed(query, positive, {}, {}).item() > plain.item()
    with pytest.raises(ValueError, match='batch_negatives'):
        DWCLLoss(synthetic=dict(type='mmfncontra.SyntheticNegatives'))


def test_is_registered_with_the_documented_defaults():
    module = MODELS.build(dict(type='mmfncontra.SyntheticNegatives'))
    assert (module.num, module.hardest) == (32, 64)
    assert module(torch.randn(2, 6), torch.randn(100, 6)).shape == (2, 32, 6)


@pytest.mark.parametrize('arguments', [dict(num=0), dict(num=-1), dict(num=2.5)])
def test_refuses_num(arguments):
    with pytest.raises(ValueError, match='num must be'):
        SyntheticNegatives(**arguments)


@pytest.mark.parametrize('arguments', [dict(hardest=1), dict(hardest=0), dict(hardest=2.5)])
def test_refuses_hardest(arguments):
    with pytest.raises(ValueError, match='hardest must be'):
        SyntheticNegatives(**arguments)
