from itertools import combinations

import numpy as np
import pytest

from mmfncontra.evaluation.functional import feature_copy_rate, nearer_to_training


def features(num, seed, width=3):
    return np.random.default_rng(seed).standard_normal((num, width)).astype(np.float32)


def distance(a, b):
    return np.linalg.norm(a.astype(float) - b)


def test_copies_by_plain_loops():
    real, mirrored = features(12, 0), features(12, 1)
    fake = np.concatenate([features(9, 2), real[:2] + 1e-3, mirrored[3:4]])
    found = feature_copy_rate(real, fake, mirrored, quantile=0.3, margin=0.6)
    pairs = list(zip(real, mirrored, strict=True))
    nearest = [[min(distance(f, a), distance(f, b)) for a, b in pairs] for f in fake]
    others = [
        min(
            min(distance(r, a), distance(r, b))
            for j, (a, b) in enumerate(pairs)
            if j != i and min(distance(r, a), distance(r, b)) >= 0.15 * median(real)
        )
        for i, r in enumerate(real)
    ]
    threshold = 0.6 * np.quantile(others, 0.3)
    assert found['threshold'] == pytest.approx(threshold)
    np.testing.assert_allclose(found['nearest'], np.min(nearest, 1), atol=1e-7)
    assert found['indices'].tolist() == np.argmin(nearest, 1).tolist()
    assert found['copy_rate'] == np.mean(np.min(nearest, 1) <= threshold)
    assert found['nearest_ratio'] == pytest.approx(
        np.median(np.min(nearest, 1)) / np.median(others)
    )
    assert found['copy_rate'] >= 3 / 12
    # Without mirror images the mirrored copy is none.
    alone = feature_copy_rate(real, fake, quantile=0.3, margin=0.6)
    assert alone['nearest'][-1] > alone['nearest'][-2]


def median(real):
    return np.median([distance(a, b) for a, b in combinations(real, 2)])


def test_pictures_that_are_there_twice_do_not_hide_copies():
    real = features(20, 3, 64)
    doubled = np.concatenate([real, real[:5] + 1e-4])
    found = feature_copy_rate(doubled, real[10:], quantile=0.01)
    assert found['copy_rate'] == 1 and found['threshold'] > 1
    same = feature_copy_rate(real[:1].repeat(3, 0), real[:1])
    assert same['copy_rate'] == 1 and np.isnan(same['nearest_ratio'])


@pytest.mark.parametrize(('num_train', 'num_heldout'), [(7, 3), (4, 4), (3, 6)])
def test_nearer_to_training_over_all_subsets(num_train, num_heldout):
    train, heldout, fake = features(num_train, 4), features(num_heldout, 5), features(11, 6)
    size = min(num_train, num_heldout)
    shares = [
        np.mean([
            min(distance(f, t) for t in some) < min(distance(f, h) for h in others) for f in fake
        ])
        for some in combinations(train, size)
        for others in combinations(heldout, size)
    ]  # fmt: skip
    assert nearer_to_training(train, heldout, fake) == pytest.approx(np.mean(shares))


def test_nearer_to_training_knows_copies():
    train, heldout = features(60, 7, 8), features(20, 8, 8)
    # A copy of one of 60 is in every third subset of 20; the others are as near as held-out ones.
    assert 1 / 3 < nearer_to_training(train, heldout, train) < 1
    assert nearer_to_training(train, heldout, heldout) == 0
    assert nearer_to_training(train[:20], heldout, train[:20]) == 1
    new = nearer_to_training(train, heldout, features(400, 9, 8))
    assert new == pytest.approx(0.5, abs=0.1)
    mirrored = nearer_to_training(train[:20], heldout, features(20, 10, 8), features(20, 10, 8))
    assert mirrored == 1


def test_refusals():
    real = features(4, 0)
    for arguments, said in (
        ((real[:1], real), 'real must have 2 rows'),
        ((real, real[:, :2]), 'must have one width'),
        ((real, real, real[:2]), r'mirrored must have shape \(4, 3\), got \(2, 3\)'),
        ((real, real, None, 2.0), 'quantile'),
        ((real, real, None, 0.1, 0.0), 'margin'),
    ):
        with pytest.raises(ValueError, match=said):
            feature_copy_rate(*arguments)
    with pytest.raises(ValueError, match='heldout must have 1 rows'):
        nearer_to_training(real, real[:0], real)
