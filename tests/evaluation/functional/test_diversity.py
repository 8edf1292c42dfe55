import itertools

import numpy as np
import pytest

from mmfncontra.evaluation.functional import diversity_ratio, pairwise_diversity
from mmfncontra.evaluation.functional.diversity import pair_distances


def thumbnails(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)


def test_equals_a_loop_over_all_pairs(monkeypatch):
    monkeypatch.setattr('mmfncontra.evaluation.functional.diversity._PAIRS_AT_ONCE', 7)
    images = thumbnails(9) // np.arange(1, 10, dtype=np.uint8)[:, None, None, None]
    distances = [
        np.sqrt(np.mean((a.astype(float) - b) ** 2)) for a, b in itertools.combinations(images, 2)
    ]
    result = pairwise_diversity(images)
    assert result['mean'] == pytest.approx(np.mean(distances))
    for name, quantile in dict(p05=0.05, p50=0.5, p95=0.95).items():
        assert result[name] == pytest.approx(np.quantile(distances, quantile))


@pytest.mark.parametrize('count, pairs', [(30, 434), (30, 100), (200, 1000), (3, 1)])
def test_draws_different_pairs(count, pairs):
    # Every pair has a distance of its own.
    marks = np.cumsum(np.random.default_rng(0).integers(1, 10**9, count)).astype(float)
    distances = pair_distances(marks[:, None], pairs, seed=0)
    every = {abs(a - b) for a, b in itertools.combinations(marks, 2)}
    assert len(every) == count * (count - 1) // 2
    assert len(distances) == len(set(distances)) == pairs
    assert set(distances) <= every


def test_sampling_is_unbiased_and_a_function_of_its_seed(shells):
    every = pairwise_diversity(shells)
    drawn = [pairwise_diversity(shells, max_pairs=300, seed=seed) for seed in range(20)]
    assert np.mean([d['mean'] for d in drawn]) == pytest.approx(every['mean'], rel=0.02)
    assert drawn[0] == pairwise_diversity(shells, max_pairs=300) != drawn[1]


def test_two_images():
    images = thumbnails(2)
    images[1] = 255 - images[0]
    result = pairwise_diversity(images)
    assert result['mean'] == result['p05'] == result['p95'] > 0


def test_collapse_and_repetition_show(shells):
    collapsed = shells[:1].repeat(40, 0)
    assert pairwise_diversity(collapsed) == dict(mean=0, p05=0, p50=0, p95=0)
    assert diversity_ratio(shells, collapsed) == 0
    repeated = shells[:8].repeat(5, 0)
    assert pairwise_diversity(repeated)['p05'] == 0 < pairwise_diversity(shells)['p05']


def test_ratio(shells):
    assert diversity_ratio(shells[:45], shells[45:]) == pytest.approx(1, abs=0.15)
    pale = 128 + shells // 4
    assert diversity_ratio(shells, pale) == pytest.approx(0.25, abs=0.02)


def test_refuses(shells):
    with pytest.raises(ValueError, match='images must hold 2 images or more, got 1'):
        pairwise_diversity(shells[:1])
    with pytest.raises(ValueError, match='fake must hold 2 images or more, got 1'):
        diversity_ratio(shells, shells[:1])
    with pytest.raises(ValueError, match='real must hold images that differ, got 3'):
        diversity_ratio(shells[:1].repeat(3, 0), shells)
    with pytest.raises(ValueError, match='max_pairs must be a positive integer, got 0'):
        pairwise_diversity(shells, max_pairs=0)
    with pytest.raises(ValueError, match='seed must be'):
        pairwise_diversity(shells, seed=-1)
