import numpy as np
import pytest

from mmfncontra.evaluation.functional.kernel_distance import kernel_distance


def _features(num, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((num, 4)) + shift).astype(np.float32)


def _mmd(x, y):
    """The unbiased estimator, pair by pair."""
    m, kernel = len(x), lambda a, b: (float(a.astype(float) @ b) / 4 + 1) ** 3
    same = sum(
        kernel(side[i], side[j]) for side in (x, y) for i in range(m) for j in range(m) if i != j
    )
    cross = sum(kernel(a, b) for a in x for b in y)
    return same / (m * (m - 1)) - 2 * cross / m**2


def test_equals_plain_loops_when_subsets_are_whole():
    generated, real = _features(7, 0, 1), _features(7, 1)
    result = kernel_distance(generated, real, subsets=2)
    assert result['mean'] == pytest.approx(_mmd(generated, real), rel=1e-5)
    assert result['std'] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(('num', 'other', 'size'), [(9, 5, 5), (5, 9, 5), (1200, 1001, 1000)])
def test_subset_size_fits_the_number_of_images(num, other, size):
    result = kernel_distance(_features(num, 0), _features(other, 1), subsets=2)
    assert result['subset_size'] == size


def test_independent_of_the_number_of_images_on_average():
    results = [
        kernel_distance(_features(num, s), _features(num, 100 + s), subsets=1)['mean']
        for num in (10, 60)
        for s in range(40)
    ]
    error = np.std(results[:40]) / 40**0.5
    assert abs(np.mean(results[:40]) - np.mean(results[40:])) < 3 * error


def test_checks_arguments():
    features = _features(9, 0)
    with pytest.raises(ValueError, match=r'subset_size must be at most 9, .*got 10'):
        kernel_distance(features, features, subset_size=10)
    with pytest.raises(ValueError, match='subsets must be'):
        kernel_distance(features, features, subsets=0)
    with pytest.raises(ValueError, match='subset_size must be an integer of 2'):
        kernel_distance(features, features, subset_size=1)
    with pytest.raises(ValueError, match='real must have 2 rows'):
        kernel_distance(features, features[:1])
