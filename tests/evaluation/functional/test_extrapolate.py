import numpy as np
import pytest

from mmfncontra.evaluation.functional import extrapolate


@pytest.mark.parametrize('n', [16, 37, 100])
@pytest.mark.parametrize('points', [2, 3])
def test_a_bias_of_c_over_n_goes_exactly(n, points):
    result = extrapolate(lambda indices: 5 + 3 / len(indices), n, points=points)
    assert result == pytest.approx(dict(value=5 + 3 / n, unbiased=5, bias=3 / n, stderr=0))


def test_the_plug_in_variance_becomes_unbiased():
    # E[plug-in variance] = σ² (1 − 1/n): at n = 16 a sixteenth is missing.
    results = []
    for seed in range(300):
        x = np.random.default_rng(seed).normal(0, 2, 16)
        results.append(extrapolate(lambda indices, x=x: x[indices].var(), 16, seed))
    for name, expected in dict(value=3.75, unbiased=4, bias=-0.25).items():
        values = [result[name] for result in results]
        error = np.std(values) / len(values) ** 0.5
        assert abs(np.mean(values) - expected) < 3 * error
    assert np.mean([r['unbiased'] for r in results]) > np.mean([r['value'] for r in results]) + 0.2


def test_standard_error_of_a_mean():
    errors = []
    for seed in range(100):
        x = np.random.default_rng(seed).normal(0, 3, 64)
        result = extrapolate(lambda indices, x=x: x[indices].mean(), 64, seed)
        assert result['unbiased'] == pytest.approx(result['value'])
        errors.append(result['stderr'] ** 2)
    assert np.mean(errors) == pytest.approx(9 / 64, rel=0.15)


def test_subsets_are_disjoint_blocks_of_all_images():
    calls = []

    def statistic(indices):
        calls.append(indices)
        return 0.0

    extrapolate(statistic, 24, points=3, repeats=2)
    assert [len(indices) for indices in calls] == [24] + [12] * 4 + [6] * 8
    assert calls[0].tolist() == list(range(24))
    for start, count in ((1, 2), (3, 2), (5, 4), (9, 4)):
        assert sorted(np.concatenate(calls[start : start + count])) == list(range(24))


def test_is_a_function_of_its_seed():
    x = np.random.default_rng(0).normal(size=40)
    first, again, other = (extrapolate(lambda i: x[i].var(), 40, seed) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(n=7), 'n must be 8 or more for points=3, .* got 7'),
        (dict(n=0), 'n must be a positive integer'),
        (dict(n=8, points=1), 'points must be an integer of 2 or more, got 1'),
        (dict(n=8, repeats=0), 'repeats must be a positive integer'),
        (dict(n=8, seed=-1), 'seed must be'),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        extrapolate(lambda indices: 0.0, **arguments)


def test_refuses_a_statistic_that_is_not_finite():
    with pytest.raises(ValueError, match='finite on every subset, got nan on 4 images'):
        extrapolate(lambda indices: 0.0 if len(indices) > 4 else np.nan, 16)
