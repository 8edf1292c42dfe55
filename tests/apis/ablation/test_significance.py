from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import ttest_rel

from mmfncontra.apis.ablation.significance import compare_pairs, holm


@pytest.mark.parametrize('num', [3, 4, 7, 10])
def test_against_scipy_and_all_flips(num):
    rng = np.random.default_rng(num)
    a, b = rng.normal(1, 1, num), rng.normal(0, 2, num)
    found = compare_pairs(a, b)
    expected = ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert found.p_t == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    d = a - b
    means = [abs(np.dot(signs, d) / num) for signs in product((1, -1), repeat=num)]
    share = np.mean([mean >= abs(d.mean()) - 1e-12 for mean in means])
    assert found.p_sign_flip == pytest.approx(share)
    assert found.difference == pytest.approx(d.mean()) and found.num_pairs == num


def test_the_least_p_of_flips():
    for num in (3, 5, 8):
        assert compare_pairs(np.arange(num) + 1.0, np.zeros(num)).p_sign_flip == 2 / 2**num


def test_many_pairs_are_drawn_and_repeat():
    a = np.random.default_rng(0).normal(1, 1, 40)
    first, second = compare_pairs(a, a * 0), compare_pairs(a, a * 0)
    assert first.p_sign_flip == second.p_sign_flip < 0.001


def test_false_alarms_are_rare():
    rng = np.random.default_rng(1)
    p = [compare_pairs(*rng.normal(size=(2, 5))).p_t for _ in range(400)]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.08


def test_few_pairs_have_no_p():
    two = compare_pairs([1.0, 3.0], [0.0, 0.0])
    assert (two.num_pairs, two.difference, two.p_t, two.p_sign_flip) == (2, 2.0, None, None)
    assert two.low < 2 < two.high
    one = compare_pairs([1.0], [0.0])
    assert one.difference == 1.0 and one.low is None
    assert compare_pairs([], []).difference is None


def test_values_that_are_not_finite_are_left_out():
    found = compare_pairs([1.0, np.nan, 2.0, 4.0, 5.0], [0.0, 0.0, np.inf, 0.0, 1.0])
    assert found == compare_pairs([1.0, 4.0, 5.0], [0.0, 0.0, 1.0])


@pytest.mark.filterwarnings('error')
def test_equal_differences_have_no_t():
    same = compare_pairs([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (same.p_t, same.p_sign_flip, same.low) == (1.0, 1.0, None)
    shifted = compare_pairs([1.1, 2.1, 3.1], [1.0, 2.0, 3.0])
    assert shifted.p_t is None and shifted.p_sign_flip == 0.25


def test_lengths_differ():
    with pytest.raises(ValueError, match='one value for each pair'):
        compare_pairs([1.0, 2.0], [1.0])


def test_holm_against_the_step_down():
    # statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005], method='holm')
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    for p in permutations([0.001, 0.2, 0.9]):
        corrected = dict(zip(p, holm(p), strict=True))
        assert [corrected[x] for x in (0.001, 0.2, 0.9)] == pytest.approx([0.003, 0.4, 0.9])
    assert holm([]) == [] and holm([None, 0.5]) == [None, 0.5]
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 1\.5'):
        holm([1.5])
    with pytest.raises(ValueError, match='must be a number'):
        holm(['half'])
