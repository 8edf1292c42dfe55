import numpy as np
import pytest
import torch
from scipy import stats
from seeds import check_draws_follow_the_seed

from mmfncontra.models.views import FeatureMixing
from mmfncontra.registry import MODELS


def unit(x):
    rows = x.detach().double().numpy()
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def partners(embeddings, mixed, tolerance=1e-5):
    """(λ, π(i)) of each row; fails unless it is λ f̂_i + (1 − λ) f̂_j with a j ≠ i."""
    rows, found = unit(embeddings), []
    for i, x in enumerate(mixed.detach().double().numpy()):
        fits = []
        for j in range(len(rows)):
            if j != i:
                # x − f̂_j = λ (f̂_i − f̂_j)
                along = rows[i] - rows[j]
                share = float(np.dot(x - rows[j], along) / np.dot(along, along))
                error = np.abs(share * rows[i] + (1 - share) * rows[j] - x).max()
                fits.append((error, share, j))
        error, share, j = min(fits)
        assert error < tolerance
        found.append((share, j))
    return found


def test_is_a_convex_mix_of_two_unit_vectors():
    embeddings = torch.randn(12, 16) * torch.linspace(0.1, 9, 12).unsqueeze(1)
    mixed = FeatureMixing(share=(0.55, 0.8))(embeddings)
    assert mixed.shape == embeddings.shape and mixed.dtype == embeddings.dtype
    for share, _ in partners(embeddings, mixed):
        assert 0.55 - 1e-5 <= share <= 0.8 + 1e-5


@pytest.mark.parametrize('share', [(0.5, 1.0), (0.6, 0.7)])
def test_shares_are_uniform_one_a_sample(share):
    module, drawn = FeatureMixing(share), []
    for _ in range(100):
        embeddings = torch.randn(6, 8, dtype=torch.float64)
        drawn += [x for x, _ in partners(embeddings, module(embeddings))]
    width = share[1] - share[0]
    assert stats.kstest(drawn, stats.uniform(share[0], width).cdf).pvalue > 1e-3
    assert len(np.unique(np.round(drawn, 6))) > 590


def test_every_other_one_is_reached_and_never_itself():
    module, batch = FeatureMixing(share=(0.5, 0.6)), 4
    counts = np.zeros((batch, batch))
    for _ in range(300):
        embeddings = torch.randn(batch, 8, dtype=torch.float64)
        for i, (_, j) in enumerate(partners(embeddings, module(embeddings))):
            counts[i, j] += 1
    assert not np.diag(counts).any()
    for i in range(batch):
        assert stats.chisquare(np.delete(counts[i], i)).pvalue > 1e-3


def test_batch_of_two_mixes_with_the_other_one():
    embeddings = torch.randn(2, 8)
    assert [j for _, j in partners(embeddings, FeatureMixing((0.5, 0.7))(embeddings))] == [1, 0]


def test_batch_of_one_is_its_unit_vector():
    embeddings = torch.randn(1, 8)
    mixed = FeatureMixing()(embeddings)
    np.testing.assert_allclose(mixed.double().numpy(), unit(embeddings), atol=1e-6)


def test_whole_share_is_the_unit_vector_itself():
    embeddings = torch.randn(5, 8)
    mixed = FeatureMixing(share=(1 - 1e-7, 1.0))(embeddings)
    np.testing.assert_allclose(mixed.double().numpy(), unit(embeddings), atol=1e-6)


def test_half_precision_neither_overflows_nor_divides_by_zero():
    embeddings = torch.randn(4, 32).clamp(-2, 2) * 30000  # their squares are beyond float16
    embeddings[2] = 0
    mixed = FeatureMixing()(embeddings.half())
    assert mixed.dtype == torch.float32 and mixed.isfinite().all()
    lengths = mixed[[0, 1, 3]].norm(dim=1)
    assert lengths.min() > 0.4


def test_length_does_not_matter():
    embeddings, module = torch.randn(5, 8), FeatureMixing()
    torch.manual_seed(1)
    plain = module(embeddings)
    torch.manual_seed(1)
    stretched = module(embeddings * torch.linspace(0.5, 20, 5).unsqueeze(1))
    torch.testing.assert_close(stretched, plain)


def test_stays_nearer_to_its_own_image_where_the_share_is_above_a_half():
    embeddings = torch.randn(32, 16)
    mixed, rows = FeatureMixing()(embeddings), unit(embeddings)
    cosines = unit(mixed) @ rows.T
    for (share, j), row, i in zip(partners(embeddings, mixed), cosines, range(32), strict=True):
        assert row[i] >= row[j] - 1e-6 and 0.5 - 1e-5 <= share <= 1 + 1e-5


def test_gradient_against_finite_difference():
    module = FeatureMixing()

    def seeded(x):
        torch.manual_seed(3)
        return module(x)

    embeddings = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(seeded, (embeddings,))


def test_same_seed_same_mixes():
    check_draws_follow_the_seed(FeatureMixing(), torch.randn(6, 8))


def test_is_registered_with_the_documented_defaults():
    module = MODELS.build(dict(type='mmfncontra.FeatureMixing'))
    assert module.acts_on == 'embeddings' and tuple(module.share) == (0.5, 1.0)


@pytest.mark.parametrize(
    'share',
    [
        (0.8, 0.5),
        (-0.1, 1.0),
        (0.5, 1.5),
        (0.4, 0.9),
        (1.0, 1.0),
        (0.5,),
        (0.1, 0.2, 0.3),
        (float('nan'), 1.0),
    ],
)
def test_refuses_share(share):
    with pytest.raises(ValueError, match='share must'):
        FeatureMixing(share=share)
