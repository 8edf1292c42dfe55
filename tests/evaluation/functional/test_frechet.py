import numpy as np
import pytest
from scipy.linalg import sqrtm

from mmfncontra.evaluation.functional.frechet import feature_statistics, frechet_distance


def _features(num, seed, shift=0.0, width=6):
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((width, width))
    return (rng.standard_normal((num, width)) @ mixing + shift).astype(np.float32)


def test_equals_the_formula():
    generated, real = _features(40, 0, 0.5), _features(30, 1)
    means = [side.mean(axis=0, dtype=np.float64) for side in (generated, real)]
    covs = [np.cov(side.astype(np.float64), rowvar=False) for side in (generated, real)]
    expected = np.sum((means[0] - means[1]) ** 2)
    expected += np.trace(covs[0] + covs[1] - 2 * sqrtm(covs[0] @ covs[1]).real)
    assert frechet_distance(generated, real) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(generated, real, low_rank=True) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(('num', 'other'), [(5, 80), (80, 5), (7, 7), (100, 90)])
def test_low_rank_is_the_same_number(num, other):
    generated, real = _features(num, 0, 0.3, 64), _features(other, 1, 0, 64)
    full = frechet_distance(generated, real)
    assert frechet_distance(generated, real, low_rank=True) == pytest.approx(full, rel=1e-5)


def test_statistics_stand_for_features():
    generated, real = _features(40, 0, 0.5), _features(30, 1)
    expected = frechet_distance(generated, real)
    assert frechet_distance(generated, feature_statistics(real)) == expected
    assert frechet_distance(feature_statistics(generated), real) == expected
    with pytest.raises(ValueError, match='low_rank needs features'):
        frechet_distance(generated, feature_statistics(real), low_rank=True)


def test_copies_are_at_distance_zero():
    real = _features(20, 1)
    assert frechet_distance(real, real, low_rank=True) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-3)


def test_checks_features():
    real = _features(20, 1)
    with pytest.raises(ValueError, match='generated must have 2 rows or more, got 1'):
        frechet_distance(real[:1], real)
    with pytest.raises(ValueError, match='generated and real must have one width'):
        frechet_distance(real[:, :2], real)
    with pytest.raises(ValueError, match='real must be finite'):
        frechet_distance(real, np.where(real > 1, np.nan, real))
    with pytest.raises(ValueError, match=r'floating-point array of shape \(N, D\), got int64'):
        frechet_distance(real.astype(int), real)
