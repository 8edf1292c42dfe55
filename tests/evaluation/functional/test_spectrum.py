import numpy as np
import pytest

from mmfncontra.evaluation.functional import radial_power_spectrum, spectrum_distance

FLOOR = 10 * np.log10(1 / 12)


def grey(values):
    return np.rint(values).astype(np.uint8)[..., None].repeat(3, -1)


def loop_spectrum(images):
    """The definition, with the discrete Fourier transform written out."""
    _, height, width, _ = images.shape
    side = min(height, width)
    y, x = np.mgrid[:height, :width]
    hann = [0.5 - 0.5 * np.cos(2 * np.pi * a / n) for a, n in ((y, height), (x, width))]
    window = hann[0] * hann[1]
    spectra = []
    for image in images.astype(float):
        luma = image @ [0.299, 0.587, 0.114]
        rings = [[] for _ in range(side // 2 + 1)]
        for v in range(height):
            for u in range(width):
                # Of the frequencies that are the same after sampling, the lowest.
                fy, fx = (k / n - (k / n > 0.5) for k, n in ((v, height), (u, width)))
                wave = np.exp(-2j * np.pi * (v * y / height + u * x / width))
                power = abs((luma * window * wave).sum()) ** 2 / (window**2).sum()
                ring = round(np.hypot(fy, fx) * side)
                if ring < len(rings):
                    rings[ring].append(power)
        spectra.append([10 * np.log10(np.mean(ring) + 1 / 12) for ring in rings])
    return np.mean(spectra, axis=0)


@pytest.mark.parametrize('size', [(12, 12), (11, 11), (8, 13), (13, 10), (2, 2)])
def test_equals_the_definition(size):
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    np.testing.assert_allclose(radial_power_spectrum(images), loop_spectrum(images), rtol=1e-9)


def test_white_noise_is_flat_at_its_variance():
    noise = grey(np.random.default_rng(0).normal(128, 20, (40, 64, 64)))
    spectrum = radial_power_spectrum(noise)
    assert spectrum.shape == (33,)
    # The logarithm of a mean over few frequencies is low on average, by 4.3 dB over their number.
    np.testing.assert_allclose(spectrum[4:], 10 * np.log10(400), atol=0.7)
    assert spectrum[8:].mean() == pytest.approx(10 * np.log10(400), abs=0.1)


def test_brightness_stays_in_the_first_two_bins():
    spectrum = radial_power_spectrum(np.full((3, 32, 32, 3), 200, np.uint8))
    assert (spectrum[:2] > 30).all()
    np.testing.assert_allclose(spectrum[2:], FLOOR, atol=1e-6)


@pytest.mark.parametrize('frequency', [5, 12, 20])
@pytest.mark.parametrize('axis', [0, 1])
def test_a_wave_is_where_its_frequency_is(frequency, axis):
    wave = 128 + 100 * np.cos(2 * np.pi * frequency * np.arange(64) / 64)
    image = np.broadcast_to(wave, (64, 64))
    spectrum = radial_power_spectrum(grey(image if axis else image.T)[None])
    assert spectrum[3:].argmax() + 3 == frequency
    others = np.r_[3 : frequency - 1, frequency + 2 : 33]
    assert (spectrum[others] < spectrum[frequency] - 20).all()


def test_the_opposite_edges_of_a_ramp_do_not_spread(monkeypatch):
    ramp = grey(np.broadcast_to(np.arange(64) * 4.0, (64, 64)))[None]
    np.testing.assert_allclose(radial_power_spectrum(ramp)[13:], FLOOR, atol=1)
    # The window is what does it.
    monkeypatch.setattr('mmfncontra.evaluation.functional.spectrum._hann', np.ones)
    assert (radial_power_spectrum(ramp)[13:] > FLOOR + 20).all()


def test_direction_does_not_matter(shells):
    spectrum = radial_power_spectrum(shells[:4])
    turned = radial_power_spectrum(np.rot90(shells[:4], 2, (1, 2))[:, :, ::-1])
    # The periodic window is off the centre by half a pixel.
    np.testing.assert_allclose(spectrum, turned, atol=1)
    np.testing.assert_allclose(spectrum, radial_power_spectrum(shells[:4].swapaxes(1, 2)))


def test_every_image_counts_the_same(shells):
    each = [radial_power_spectrum(image[None]) for image in shells[:5]]
    np.testing.assert_allclose(radial_power_spectrum(shells[:5]), np.mean(each, axis=0))


@pytest.mark.usefixtures('small_chunks')
def test_chunks_do_not_matter(shells, monkeypatch):
    in_chunks = radial_power_spectrum(shells[:5])
    monkeypatch.undo()
    np.testing.assert_allclose(in_chunks, radial_power_spectrum(shells[:5]), rtol=1e-12)


def test_distance_of_twice_the_contrast_is_six_decibels():
    noise = np.random.default_rng(0).integers(0, 128, (6, 32, 32))
    assert spectrum_distance(grey(noise), grey(2 * noise)) == pytest.approx(6.02, abs=0.01)


def test_distance_is_the_root_mean_square(shells):
    real, fake = shells[:10], shells[10:15]
    expected = np.mean((radial_power_spectrum(real) - radial_power_spectrum(fake)) ** 2) ** 0.5
    assert spectrum_distance(real, fake) == pytest.approx(expected)
    assert spectrum_distance(real, real[::-1]) == pytest.approx(0, abs=1e-9)


def test_refuses_a_row_of_pixels():
    with pytest.raises(ValueError, match='sides of 2 pixels or more, got 1x8'):
        radial_power_spectrum(np.zeros((1, 1, 8, 3), np.uint8))
