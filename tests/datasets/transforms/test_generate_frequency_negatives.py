import itertools

import numpy as np
import pytest
import torch

from mmfncontra.datasets.transforms.generate_frequency_negatives import GenerateFrequencyNegatives
from mmfncontra.models.wavelets import ORIENTATIONS, FrequencyNegatives
from mmfncontra.registry import TRANSFORMS

NAMES = ('easy', 'middle', 'hard')
PAIRS = tuple(itertools.combinations(ORIENTATIONS, 2))


def image(*shape, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


def on_device(x, wavelet, levels, **draw):
    """The module's answer, for an (H, W) or (H, W, C) array."""
    planes = torch.from_numpy(x.reshape(*x.shape[:2], -1)).movedim(-1, 0)[None]
    out = FrequencyNegatives(wavelet, levels)(planes, **draw)
    return {name: y[0].movedim(0, -1).reshape(x.shape).numpy() for name, y in out.items()}


@pytest.mark.parametrize(('dtype', 'atol'), [(np.float32, 1e-5), (np.float64, 1e-10)])
@pytest.mark.parametrize('shape', [(64, 32, 3), (45, 70, 4), (33, 64)])
@pytest.mark.parametrize('wavelet', ['haar', 'db2', 'bior2.2'])
def test_agrees_with_the_module(wavelet, shape, dtype, atol):
    x = image(*shape, dtype=dtype)
    for middle, hard in zip(ORIENTATIONS, PAIRS, strict=True):
        draw = dict(middle=middle, hard=hard)
        results = GenerateFrequencyNegatives(wavelet=wavelet, levels=4, **draw)(dict(img=x))
        for name, expected in on_device(x, wavelet, 4, **draw).items():
            negative = results[f'img_neg_{name}']
            assert negative.dtype == dtype and negative.flags['C_CONTIGUOUS']
            np.testing.assert_allclose(negative, expected, rtol=0, atol=atol)
        assert results['img'] is x


def test_golden(golden):
    reference = np.load(golden('haar_negatives.npz'))
    for b, x in enumerate(reference['x']):
        transform = GenerateFrequencyNegatives(middle='HL', hard=('HH', 'HL'))
        results = transform(dict(img=x.transpose(1, 2, 0)))
        for name, key in (('easy', 'easy'), ('middle', 'middle_HL'), ('hard', 'hard_HL+HH')):
            negative = results[f'img_neg_{name}'].transpose(2, 0, 1)
            np.testing.assert_allclose(negative, reference[key][b], rtol=0, atol=1e-5)


@pytest.mark.parametrize('shape', [(64, 64, 3), (40, 35)])
def test_uint8_is_rounded_and_clipped(shape):
    x = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), shape)  # overshoots
    draw = dict(middle='HH', hard=('LH', 'HL'))
    results = GenerateFrequencyNegatives(**draw)(dict(img=x))
    for name, exact in on_device(x.astype(np.float64), 'haar', 5, **draw).items():
        negative = results[f'img_neg_{name}']
        assert negative.dtype == np.uint8 and negative.shape == shape
        error = np.abs(negative - exact.clip(0, 255))
        assert error.max() <= 0.5 + 1e-3
    # The module overshoots here, so that clipping was at work.
    assert exact.max() > 256 and exact.min() < -1


def test_float16():
    x = image(32, 32, 3, dtype=np.float16)
    negative = GenerateFrequencyNegatives(middle='LH', hard=('LH', 'HL'))(dict(img=x))
    assert all(negative[f'img_neg_{name}'].dtype == np.float16 for name in NAMES)
    expected = on_device(x.astype(np.float32), 'haar', 5, middle='LH', hard=('LH', 'HL'))
    np.testing.assert_allclose(negative['img_neg_hard'], expected['hard'], atol=2e-3)


def test_draws_follow_numpys_seed_and_are_uniform():
    transform, counts = GenerateFrequencyNegatives(levels=1), np.zeros((3, 3))
    x = image(4, 4)
    choices = {o: [p for p in ORIENTATIONS if p != o] for o in ORIENTATIONS}
    parts = [on_device(x, 'haar', 1, middle=o, hard=h) for o, h in choices.items()]
    np.random.seed(0)
    for _ in range(900):
        results = transform(dict(img=x))
        middle, lacking = (
            [i for i, p in enumerate(parts) if np.allclose(results[f'img_neg_{name}'], p[name])]
            for name in ('middle', 'hard')
        )
        counts[middle[0], lacking[0]] += 1
    # Nine equally likely outcomes; chi-square with 8 degrees of freedom is below 26 in 99.9 %.
    assert ((counts - 100) ** 2 / 100).sum() < 26

    np.random.seed(5)
    a = transform(dict(img=x))
    np.random.seed(5)
    b = transform(dict(img=x))
    assert all(np.array_equal(a[k], b[k]) for k in a)


def test_other_key_and_registry():
    transform = TRANSFORMS.build(
        dict(type='GenerateFrequencyNegatives', key='gt', hard=['HH', 'LH'])
    )
    results = transform(dict(gt=image(32, 32, 3)))
    assert sorted(results) == ['gt', 'gt_neg_easy', 'gt_neg_hard', 'gt_neg_middle']
    assert "key='gt'" in repr(transform)


def test_refusals():
    with pytest.raises(ValueError, match='levels must be a positive integer, got 0'):
        GenerateFrequencyNegatives(levels=0)
    with pytest.raises(ValueError, match="wavelet='dmey'"):
        GenerateFrequencyNegatives(wavelet='dmey')
    with pytest.raises(ValueError, match="middle='LL'"):
        GenerateFrequencyNegatives(middle='LL')
    with pytest.raises(ValueError, match="hard='LH'"):
        GenerateFrequencyNegatives(hard='LH')
    with pytest.raises(ValueError, match="key=''"):
        GenerateFrequencyNegatives(key='')
    transform = GenerateFrequencyNegatives()
    with pytest.raises(ValueError, match=r'levels=5 .* got 31x64: use levels<=4'):
        transform(dict(img=image(31, 64, 3)))
    with pytest.raises(TypeError, match='int64'):
        transform(dict(img=np.zeros((32, 32), np.int64)))
    with pytest.raises(ValueError, match=r'has the shape \(1, 32, 32, 3\)'):
        transform(dict(img=image(1, 32, 32, 3)))
