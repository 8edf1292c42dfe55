import pytest
import torch

from mmfncontra.models.objectives.similarity import cosine, cosine_to_all, cosine_to_others


def to_own_selection(query, others):
    return cosine_to_others(query, others.expand(len(query), -1, -1))


def test_autocast_does_not_round_cosines_to_others():
    query, others = torch.randn(3, 8), torch.randn(5, 8)
    own = others.expand(3, -1, -1)
    plain = cosine_to_others(query, others), cosine_to_others(query, own)
    with torch.autocast('cpu', torch.bfloat16):
        rounded = cosine_to_others(query, others), cosine_to_others(query, own)
    for one, other in zip(plain, rounded, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize('compare', [cosine_to_all, cosine_to_others, to_own_selection])
def test_gradient_at_a_query_of_zeros_is_that_of_torchs_cosine(compare):
    """Finite, and a finite difference: up to a length of 1e-8 a cosine grows linearly."""
    other = torch.randn(1, 8, dtype=torch.float64)
    query = torch.zeros(1, 8, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(compare(query, other).sum(), query)
    (wanted,) = torch.autograd.grad(cosine(query, other).sum(), query)
    torch.testing.assert_close(found, wanted)
    steps = 1e-10 * torch.eye(8, dtype=torch.float64)
    differences = (compare(steps, other) - compare(-steps, other)).squeeze(1) / 2e-10
    torch.testing.assert_close(found[0], differences)
    assert found.isfinite().all() and 0.99e8 < found.norm() < 1.01e8


@pytest.mark.parametrize('compare', [cosine_to_all, cosine_to_others, to_own_selection])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_gradient_at_a_query_of_zeros_is_finite_in_any_precision(compare, dtype):
    query = torch.zeros(2, 8, dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(compare(query, torch.randn(3, 8, dtype=dtype)).sum(), query)
    # The sum of three unit vectors, over 1e-8.
    assert gradient.isfinite().all() and 0 < gradient.float().norm(dim=1).max() < 3.1e8
