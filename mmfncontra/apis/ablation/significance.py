"""Paired significance tests: is a difference over a few seeds more than chance?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mmfncontra.utils.checks import check_interval

# With two pairs no test can say anything: a sign-flip test ends at p = 0.5.
FEWEST_PAIRS = 3
# Up to 13 pairs all flips of signs are tried; beyond, this many drawn ones.
_RESAMPLES = 9999


@dataclass(frozen=True)
class PairedComparison:
    """What pairs of values tell of their difference.

    Attributes:
        num_pairs: Pairs with two finite values.
        difference: Mean of value - baseline; None without pairs.
        low: Lower end of the 95 % confidence interval of the difference; None if not known.
        high: Upper end.
        p_t: Two-sided p-value of the paired t-test; None if it does not apply.
        p_sign_flip: Two-sided p-value of the sign-flip test; None with too few pairs.
    """

    num_pairs: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_t: float | None = None
    p_sign_flip: float | None = None


def compare_pairs(values: Sequence[float], baseline: Sequence[float]) -> PairedComparison:
    r"""Compare values with those of a baseline, pair by pair, such as seed by seed.

    With differences :math:`d_i` the paired t-test takes :math:`t = \bar d \sqrt n / s_d` with
    n - 1 degrees of freedom and assumes normal differences. The sign-flip test assumes symmetry
    only: it is the share of the :math:`2^n` choices of signs whose mean is as far from 0, so its
    least p-value is :math:`2^{1-n}`. With fewer than three pairs there are no p-values; where
    all differences are equal there is no scatter for a t-test to go by.

    Args:
        values: A value for each pair; pairs with a value that is not finite are left out.
        baseline: The baseline's, in the same order.

    Returns:
        Differences and p-values.

    Raises:
        ValueError: If the lengths differ.

    Source:
        Student, "The probable error of a mean", Biometrika 1908; Fisher, "The design of
        experiments", 1935, section 21 (sign flips).

    Example:
        >>> found = compare_pairs([3.0, 4.0, 5.0], [2.0, 2.0, 2.0])
        >>> found.difference, round(found.p_t, 3), found.p_sign_flip
        (2.0, 0.074, 0.25)
    """
    a, b = np.asarray(values, float), np.asarray(baseline, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(
            f'values and baseline must have one value for each pair, got {a.shape} and {b.shape}'
        )
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    differences, num = a - b, len(a)
    if num == 0:
        return PairedComparison(0)
    found = dict(num_pairs=num, difference=float(differences.mean()))
    # What is left of equal differences after rounding is no scatter.
    rounding = 8 * np.finfo(float).eps * max(np.abs(a).max(), np.abs(b).max())
    if num > 1 and np.ptp(differences) > rounding:
        test = stats.ttest_1samp(differences, 0)
        interval = test.confidence_interval()
        found |= dict(low=float(interval.low), high=float(interval.high))
        if num >= FEWEST_PAIRS:
            found |= dict(p_t=float(test.pvalue))
    elif num >= FEWEST_PAIRS and np.abs(differences).max() <= rounding:
        found |= dict(p_t=1.0)
    if num >= FEWEST_PAIRS:
        found |= dict(p_sign_flip=_sign_flip(differences))
    return PairedComparison(**found)


def _sign_flip(differences: np.ndarray) -> float:
    # scipy counts each tail by itself, so it may end a little above 1.
    test = stats.permutation_test(
        (differences,),
        lambda x, axis: np.mean(x, axis=axis),
        permutation_type='samples',
        vectorized=True,
        n_resamples=_RESAMPLES,
        rng=0,
    )
    return min(1.0, float(test.pvalue))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    r"""Correct p-values of several tests, so that the chance of any false alarm stays bounded.

    In ascending order, :math:`\tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})`.

    Args:
        p_values: One for each test; None for a test that was not made, which does not count.

    Returns:
        Corrected values in the same order.

    Raises:
        ValueError: If a value is outside [0, 1].

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 1979.

    Example:
        >>> holm([0.04, 0.01, None])
        [0.04, 0.02, None]
    """
    made = [i for i, p in enumerate(p_values) if p is not None]
    for i in made:
        check_interval('[0, 1]', p_values=p_values[i])
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(made, key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(made) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
