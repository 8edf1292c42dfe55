import numpy as np
import pytest

from mmfncontra.evaluation.functional.inception_score import inception_score


def _score(logits):
    p = np.exp(logits.astype(float))
    p /= p.sum(axis=1, keepdims=True)
    divergences = [sum(a * np.log(a / b) for a, b in zip(row, p.mean(0), strict=True)) for row in p]
    return np.exp(np.mean(divergences))


def test_equals_plain_loops():
    logits = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32) * 2
    scores = [_score(part) for part in np.split(logits, 3)]
    result = inception_score(logits, splits=3, shuffle=False)
    assert result == pytest.approx(dict(mean=np.mean(scores), std=np.std(scores)), rel=1e-6)
    shuffled = inception_score(logits, splits=3, seed=1)
    assert shuffled != result
    whole = inception_score(logits, splits=1, seed=1)
    assert whole == pytest.approx(dict(mean=_score(logits), std=0), rel=1e-6)


def test_the_same_image_again_and_again_scores_one():
    logits = np.tile(np.random.default_rng(0).standard_normal((1, 5)), (20, 1))
    assert inception_score(logits) == pytest.approx(dict(mean=1, std=0), abs=1e-9)


def test_checks_arguments():
    with pytest.raises(ValueError, match='logits must have 10 rows or more, got 9'):
        inception_score(np.zeros((9, 5)))
    with pytest.raises(ValueError, match='splits must be'):
        inception_score(np.zeros((9, 5)), splits=0)
