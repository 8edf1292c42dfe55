import numpy as np
import pytest
import pywt

from mmfncontra.models.wavelets import FilterBank, filter_bank

USABLE = [name for name in pywt.wavelist(kind='discrete') if name != 'dmey']


def test_every_usable_wavelet_has_the_filters_of_pywavelets():
    for name in USABLE:
        bank = FilterBank(name)
        ours = (bank.dec_lo, bank.dec_hi, bank.rec_lo, bank.rec_hi)
        np.testing.assert_array_equal(ours, pywt.Wavelet(name).filter_bank)
        assert bank.length == pywt.Wavelet(name).dec_len


def test_haar_is_recognised_by_its_filters():
    assert [name for name in USABLE if FilterBank(name).is_haar] == [
        'bior1.1',
        'db1',
        'haar',
        'rbio1.1',
    ]
    assert FilterBank('Haar').is_haar


def test_built_once():
    assert filter_bank('sym4') is filter_bank('sym4')


@pytest.mark.parametrize(
    ('wavelet', 'says'),
    [
        ('hara', r"wavelet='hara' is no wavelet .* did you mean 'haar'"),
        ('bior2.9', "did you mean .*'bior2.8'"),
        ('morl', "wavelet='morl' is a continuous wavelet"),
        ('dmey', "wavelet='dmey' is neither orthogonal nor biorthogonal"),
        (None, 'wavelet=None is no wavelet'),
    ],
)
def test_refused_by_name(wavelet, says):
    with pytest.raises(ValueError, match=says):
        FilterBank(wavelet)
