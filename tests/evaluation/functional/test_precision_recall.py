import numpy as np
import pytest

from mmfncontra.evaluation.functional.precision_recall import density_coverage, precision_recall


def _features(num, seed, shift=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((num, 3)) * scale + shift).astype(np.float32)


def _radii(points, k):
    return [sorted(np.linalg.norm(a - b) for b in points)[k] for a in points]


def _inside(points, balls, radii):
    return [[np.linalg.norm(p - b) < r for b, r in zip(balls, radii, strict=True)] for p in points]


SIDES = [
    (_features(30, 0, 0.5), _features(25, 1)),
    (_features(12, 2, 0, 0.2), _features(40, 3)),
    (_features(8, 4, 0, 4), _features(9, 5)),
]


@pytest.mark.parametrize('sides', SIDES)
@pytest.mark.parametrize('k', [1, 3])
def test_precision_and_recall_equal_plain_loops(sides, k):
    generated, real = (side.astype(float) for side in sides)
    precision = np.any(_inside(generated, real, _radii(real, k)), axis=1).mean()
    recall = np.any(_inside(real, generated, _radii(generated, k)), axis=1).mean()
    result = precision_recall(*sides, k=k)
    assert result['precision'] == pytest.approx(precision)
    assert result['recall'] == pytest.approx(recall)


@pytest.mark.parametrize('sides', SIDES)
@pytest.mark.parametrize('k', [1, 5])
def test_density_and_coverage_equal_plain_loops(sides, k):
    generated, real = (side.astype(float) for side in sides)
    inside = np.array(_inside(generated, real, _radii(real, k)))
    result = density_coverage(*sides, k=k)
    assert result['density'] == pytest.approx(inside.sum() / (k * len(generated)))
    assert result['coverage'] == pytest.approx(inside.any(axis=0).mean())


def test_an_outlier_among_the_reals_sways_precision_alone():
    real = np.concatenate([_features(50, 0), np.full((1, 3), 60, np.float32)])
    junk = _features(50, 1, 30)  # as far from the photographs as from the outlier
    assert precision_recall(junk, real)['precision'] > 0.9
    assert density_coverage(junk, real)['density'] < 0.3
    assert density_coverage(junk, real)['coverage'] < 0.05


def test_copies_of_some_reals_are_precise_but_cover_little():
    real = _features(60, 0)
    copies = np.tile(real[:2], (10, 1))
    assert precision_recall(copies, real)['precision'] == 1
    assert density_coverage(copies, real)['coverage'] < 0.4


def test_checks_arguments():
    features = _features(5, 0)
    with pytest.raises(ValueError, match='real must have 6 rows or more, got 5'):
        density_coverage(features, features)
    with pytest.raises(ValueError, match='generated must have 4 rows or more, got 3'):
        precision_recall(features[:3], features)
    with pytest.raises(ValueError, match='k must be'):
        precision_recall(features, features, k=0)
    with pytest.raises(ValueError, match='k must be'):
        density_coverage(features, features, k=0)
    assert density_coverage(features[:1], features, k=2)['density'] >= 0
