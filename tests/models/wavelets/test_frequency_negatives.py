import numpy as np
import pytest
import pywt
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mmfncontra.models.wavelets import ORIENTATIONS, FrequencyNegatives
from mmfncontra.registry import MODELS

PAIRS = (('LH', 'HL'), ('LH', 'HH'), ('HL', 'HH'))


def images(*shape, dtype=torch.float64):
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(1)) * 2 - 1


def oracle(x, wavelet, levels, kept):
    """Plain loop over samples and channels, PyWavelets, the orientations ``kept`` alone."""
    keep = [o in kept for o in ('HL', 'LH', 'HH')]  # cH, cV, cD
    out = np.empty_like(x)
    for b, c in np.ndindex(*x.shape[:2]):
        ll, *details = pywt.wavedec2(x[b, c], wavelet, mode='periodization', level=levels)
        details = [tuple(band * k for band, k in zip(d, keep, strict=True)) for d in details]
        out[b, c] = pywt.waverec2([ll, *details], wavelet, mode='periodization')
    return out


def force_generic(negatives):
    negatives._haar = negatives._any
    return negatives


@pytest.mark.parametrize('generic', [False, True])
def test_golden(golden, generic):
    reference = np.load(golden('haar_negatives.npz'))
    negatives = FrequencyNegatives()
    if generic:
        force_generic(negatives)
    x = torch.from_numpy(reference['x'])
    for middle in ORIENTATIONS:
        for hard in PAIRS:
            out = negatives(x, middle=middle, hard=hard)
            for name, expected in (
                ('easy', reference['easy']),
                ('middle', reference[f'middle_{middle}']),
                ('hard', reference[f'hard_{"+".join(hard)}']),
            ):
                np.testing.assert_allclose(out[name], expected, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings('ignore:Level value')
@pytest.mark.parametrize(('dtype', 'atol'), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize('wavelet', ['haar', 'db2', 'sym4', 'bior2.2'])
def test_equals_pywavelets(wavelet, dtype, atol):
    x = images(2, 3, 32, 64, dtype=dtype)
    negatives = FrequencyNegatives(wavelet, levels=4)
    for middle, hard in zip(ORIENTATIONS, PAIRS, strict=True):
        out = negatives(x, middle=middle, hard=hard)
        for name, kept in (('easy', ()), ('middle', (middle,)), ('hard', hard)):
            expected = oracle(x.numpy(), wavelet, 4, kept)
            np.testing.assert_allclose(out[name], expected, rtol=0, atol=atol)


@pytest.mark.parametrize('per_sample', [False, True])
@pytest.mark.parametrize('size', [(32, 64), (45, 70)])
def test_fast_path_equals_generic_path(size, per_sample):
    x = images(6, 2, *size)
    fast = FrequencyNegatives(per_sample=per_sample)
    generic = force_generic(FrequencyNegatives(per_sample=per_sample))
    for seed in range(5):
        torch.manual_seed(seed)
        a = fast(x)
        torch.manual_seed(seed)
        b = generic(x)
        for name in a:
            torch.testing.assert_close(a[name], b[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize('wavelet', ['haar', 'db3'])
def test_image_is_the_sum_of_its_parts(wavelet):
    x, y = images(2, 3, 37, 50), images(2, 3, 37, 50).flip(0)
    negatives = FrequencyNegatives(wavelet, levels=3)
    parts = {o: negatives(x, o, [p for p in ORIENTATIONS if p != o]) for o in ORIENTATIONS}
    easy = parts['LH']['easy']
    total = easy + sum(out['middle'] - easy for out in parts.values())
    torch.testing.assert_close(total, x)
    for out in parts.values():
        torch.testing.assert_close(out['middle'] + out['hard'], x + easy)
    # Linear, for a fixed draw.
    a, b, both = (negatives(z, 'HL', ('HL', 'HH')) for z in (x, y, 2 * x - y))
    for name in both:
        torch.testing.assert_close(both[name], 2 * a[name] - b[name])


def test_haar_easy_is_pooling():
    x = images(2, 3, 64, 64)
    easy = FrequencyNegatives()(x)['easy']
    pooled = torch.nn.functional.avg_pool2d(x, 32)
    torch.testing.assert_close(easy, torch.nn.functional.interpolate(pooled, scale_factor=32))


@pytest.mark.parametrize('wavelet', ['haar', 'db2'])
def test_gradients(wavelet):
    negatives = FrequencyNegatives(wavelet, levels=2)
    x = images(1, 1, 4, 5).requires_grad_()

    def run(x):
        return tuple(negatives(x, 'LH', ('LH', 'HH')).values())

    assert torch.autograd.gradcheck(run, x)
    assert torch.autograd.gradgradcheck(run, x)


def draws(x, out):
    """Which orientation each sample's middle keeps, which its hard lacks."""
    reference = FrequencyNegatives(levels=1)
    parts = [reference(x, o)['middle'] - out['easy'] for o in ORIENTATIONS]

    def nearest(residual):
        errors = [(residual - part).flatten(1).abs().amax(1) for part in parts]
        best, index = torch.stack(errors).min(0)
        assert best.max() < 1e-10
        return index

    return nearest(out['middle'] - out['easy']), nearest(x - out['hard'])


def test_one_draw_per_batch_is_uniform_and_independent():
    x, counts = images(3, 1, 4, 4), torch.zeros(3, 3)
    negatives = FrequencyNegatives(levels=1)
    for _ in range(900):
        middle, lacking = draws(x, negatives(x))
        assert len(set(middle.tolist())) == len(set(lacking.tolist())) == 1
        counts[middle[0], lacking[0]] += 1
    # Nine equally likely outcomes; chi-square with 8 degrees of freedom is below 26 in 99.9 %.
    assert ((counts - 100) ** 2 / 100).sum() < 26


@pytest.mark.parametrize('wavelet', ['haar', 'db1'])
def test_per_sample_draws(wavelet):
    x = images(900, 1, 4, 4)
    negatives = FrequencyNegatives(wavelet, levels=1, per_sample=True)
    middle, lacking = draws(x, negatives(x))
    counts = torch.bincount(3 * middle + lacking, minlength=9)
    assert ((counts - 100.0) ** 2 / 100).sum() < 26
    middle, lacking = draws(x, negatives(x, 'HL', ('HH', 'LH')))
    assert set(middle.tolist()) == set(lacking.tolist()) == {1}


def test_draw_follows_the_seed_and_a_fixed_draw_takes_none():
    x = images(2, 3, 32, 32)
    negatives = FrequencyNegatives(levels=2, per_sample=True)
    torch.manual_seed(3)
    a = negatives(x)
    torch.manual_seed(3)
    b = negatives(x)
    assert all(torch.equal(a[name], b[name]) for name in a)
    state = torch.get_rng_state()
    negatives(x, 'HH', ('HH', 'LH'))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize('per_sample', [False, True])
@pytest.mark.parametrize('wavelet', ['haar', 'bior2.2'])
def test_nothing_is_read_back_from_the_device(wavelet, per_sample):
    # Fake tensors have no values: whatever asks for one, and so would wait for a GPU, raises.
    negatives = FrequencyNegatives(wavelet, per_sample=per_sample)
    with FakeTensorMode():
        out = negatives(torch.empty(2, 3, 40, 64, device='meta'))
        assert all(y.device.type == 'meta' and y.shape == (2, 3, 40, 64) for y in out.values())


def test_pair_in_any_order():
    x = images(1, 3, 32, 32)
    negatives = FrequencyNegatives()
    a, b = negatives(x, 'LH', ('LH', 'HH')), negatives(x, 'LH', ['HH', 'LH'])
    torch.testing.assert_close(a['hard'], b['hard'], rtol=0, atol=0)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('wavelet', ['haar', 'sym4'])
def test_channels_dtypes_and_layouts(wavelet, channels, dtype):
    x = images(2, channels, 33, 40).to(dtype)
    negatives = FrequencyNegatives(wavelet)
    out = negatives(x, 'LH', ('LH', 'HL'))
    exact = negatives(x.double(), 'LH', ('LH', 'HL'))
    last = negatives(x.to(memory_format=torch.channels_last), 'LH', ('LH', 'HL'))
    for name, y in out.items():
        assert y.shape == x.shape and y.dtype == dtype and y.is_contiguous()
        # Rounded once, at the end.
        tolerance = max(torch.finfo(dtype).eps, 1e-7) * 8
        torch.testing.assert_close(y.double(), exact[name], rtol=tolerance, atol=1e-5)
        torch.testing.assert_close(y, last[name])


def test_state_is_empty_and_the_registry_builds_it():
    negatives = MODELS.build(dict(type='FrequencyNegatives', wavelet='db2', levels=3))
    assert not negatives.state_dict() and not list(negatives.parameters())
    assert "wavelet='db2', levels=3, per_sample=False" in repr(negatives)


def test_refusals():
    with pytest.raises(ValueError, match='levels must be a positive integer, got 0'):
        FrequencyNegatives(levels=0)
    with pytest.raises(ValueError, match="wavelet='db0'"):
        FrequencyNegatives('db0')
    negatives = FrequencyNegatives()
    with pytest.raises(ValueError, match=r'levels=5 .* got 28x28: use levels<=4'):
        negatives(torch.zeros(1, 1, 28, 28))
    with pytest.raises(ValueError, match=r'must be \(B, C, H, W\)'):
        negatives(torch.zeros(3, 32, 32))
    with pytest.raises(TypeError, match=r'x has dtype torch.uint8'):
        negatives(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    x = torch.zeros(1, 3, 32, 32)
    with pytest.raises(ValueError, match=r"middle='LL' must be one of"):
        negatives(x, middle='LL')
    for hard in (('LH', 'LH'), 'LH', ('LH',), ('LH', 'LL'), ORIENTATIONS):
        with pytest.raises(ValueError, match=r'hard=.* must be a pair'):
            negatives(x, hard=hard)
