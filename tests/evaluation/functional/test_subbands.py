import numpy as np
import pytest
import pywt

from mmfncontra.evaluation.functional import subband_energies, subband_ratios

RNG = np.random.default_rng(0)


def pywt_energies(images, wavelet, levels):
    sizes = [-side % 2**levels for side in images.shape[1:3]]
    padding = [(0, 0), (0, sizes[0]), (0, sizes[1]), (0, 0)]
    x = np.pad(images.astype(float), padding, mode='symmetric') - 127.5
    ll, *details = pywt.wavedec2(x, wavelet, 'periodization', levels, axes=(1, 2))
    energies = {f'LL_{levels}': (ll**2).mean()}
    for level, (horizontal, vertical, diagonal) in zip(range(levels, 0, -1), details, strict=True):
        energies[f'LH_{level}'] = (vertical**2).mean()
        energies[f'HL_{level}'] = (horizontal**2).mean()
        energies[f'HH_{level}'] = (diagonal**2).mean()
    return energies


@pytest.mark.filterwarnings('ignore:Level value')
@pytest.mark.parametrize('wavelet', ['haar', 'db2', 'bior2.2'])
@pytest.mark.parametrize('levels, size', [(1, (16, 16)), (3, (16, 24)), (2, (13, 18))])
def test_equals_pywavelets(wavelet, levels, size):
    images = RNG.integers(0, 256, (3, *size, 3), np.uint8)
    energies, expected = (f(images, wavelet, levels) for f in (subband_energies, pywt_energies))
    assert list(energies) == list(expected)
    np.testing.assert_allclose(list(energies.values()), list(expected.values()), rtol=1e-5)


def test_keeps_the_energy_of_the_images(shells):
    energies = subband_energies(shells[:6], 'db2', levels=3)
    sizes = {3: 1 / 64, 2: 1 / 16, 1: 1 / 4}
    total = sum(energy * sizes[int(name[-1])] for name, energy in energies.items())
    assert total == pytest.approx(np.square(shells[:6] - 127.5).mean(), rel=1e-5)


def test_white_noise_is_flat_at_its_variance():
    noise = np.rint(RNG.normal(127.5, 15, (40, 64, 64, 3))).astype(np.uint8)
    energies = subband_energies(noise, levels=3)
    np.testing.assert_allclose(list(energies.values()), 225, rtol=0.03)


@pytest.mark.parametrize(
    'pattern, band',
    [('i + j', 'HH_1'), ('j', 'LH_1'), ('i', 'HL_1'), ('j // 2', 'LH_2'), ('i // 4', 'HL_3')],
)
def test_stripes_are_in_their_band(pattern, band):
    i, j = np.indices((32, 32))
    stripes = eval(pattern, dict(i=i, j=j)) % 2 * 100
    images = stripes.astype(np.uint8)[None, :, :, None].repeat(3, -1)
    energies = subband_energies(images, levels=3)
    assert [name for name, energy in energies.items() if energy > 1e-3] == ['LL_3', band]


@pytest.mark.parametrize('size, levels', [(256, 5), (32, 5), (16, 4), (12, 3), (2, 1)])
def test_takes_as_many_levels_as_fit_up_to_five(size, levels):
    assert next(iter(subband_energies(np.zeros((1, size, size, 3), np.uint8)))) == f'LL_{levels}'


@pytest.mark.usefixtures('small_chunks')
def test_chunks_do_not_matter(shells, monkeypatch):
    in_chunks = subband_energies(shells[:5])
    monkeypatch.undo()
    assert in_chunks == pytest.approx(subband_energies(shells[:5]), rel=1e-9)


def test_ratio_of_half_the_contrast(shells):
    images = RNG.integers(0, 128, (8, 32, 32, 3), np.uint8)
    ratios = subband_ratios(2 * images, images, levels=3)
    details = [ratio for name, ratio in ratios.items() if name != 'LL_3']
    np.testing.assert_allclose(details, -6.02, atol=0.01)
    assert subband_ratios(shells[:5], shells[:5]) == dict.fromkeys(subband_energies(shells), 0)


def test_smooth_images_lack_the_finest_bands(shells):
    pairs = shells.reshape(len(shells), 24, 2, 24, 2, 3).mean((2, 4)).astype(np.uint8)
    smooth = pairs.repeat(2, 1).repeat(2, 2)
    ratios = subband_ratios(shells, smooth)
    assert max(ratios[f'{band}_1'] for band in ('LH', 'HL', 'HH')) < -20
    assert max(abs(ratio) for name, ratio in ratios.items() if not name.endswith('_1')) < 1


def test_flat_images_have_nothing_to_compare():
    flat = np.full((2, 16, 16, 3), 90, np.uint8)
    assert subband_ratios(flat, flat + 1, levels=2)['HH_1'] == 0


def test_refuses_what_does_not_fit():
    images = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match='levels=4 needs images of at least 16x16'):
        subband_energies(images, levels=4)
    with pytest.raises(ValueError, match='levels must be a positive integer, got 0'):
        subband_energies(images, levels=0)
    with pytest.raises(ValueError, match="wavelet='hare'"):
        subband_energies(images, 'hare')
