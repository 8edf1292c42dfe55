import pytest

from mmfncontra.evaluation.features import EXTRACTORS
from mmfncontra.evaluation.metrics import FeatureMetrics
from mmfncontra.evaluation.value_names import bare_name, short_name, value_name

NAMES = {
    'fid': 'fd_lite2',
    'fid_unbiased': 'fd_lite2_unbiased',
    'kid_mean': 'kid_lite2',
    'kid_std': 'kid_lite2_std',
    'precision': 'precision_lite2',
    'recall': 'recall_lite2',
    'density': 'density_lite2',
    'coverage': 'coverage_lite2',
    'copy_rate': 'copy_rate_lite2',
    'copy_rate_heldout': 'copy_rate_heldout_lite2',
    'nearest_ratio': 'nearest_ratio_lite2',
    'nearer_to_training': 'nearer_to_training_lite2',
    'fd_heldout': 'fd_heldout_lite2',
    'kid_heldout': 'kid_heldout_lite2',
}
SHORT = {
    'efficientnet_lite0': 'lite0',
    'vgg16': 'vgg16',
    'clip-vit-b-32': 'clip_vit_b_32',
    'dinov2-vit-s-14': 'dinov2_vits14',
}


def test_names():
    assert {name: value_name(name, 'efficientnet_lite2') for name in NAMES} == NAMES
    assert {name: short_name(name) for name in SHORT} == SHORT
    assert set(SHORT) < set(EXTRACTORS)
    own = {name for value, names in FeatureMetrics.NAMES.items() for name in names
           if value != 'inception_score'}  # fmt: skip
    assert own == set(NAMES)


def test_fid_is_of_inception_alone():
    assert value_name('fid', 'inception') == 'fid'
    # Pixels have a copy rate of that name.
    assert value_name('copy_rate', 'inception') == 'copy_rate_inception'
    names = [value_name(name, extractor) for name in NAMES for extractor in EXTRACTORS[1:]]
    assert len(set(names)) == len(names)
    assert not any(name in NAMES or 'fid' in name for name in names)


@pytest.mark.parametrize('extractor', EXTRACTORS)
def test_there_and_back(extractor):
    assert all(bare_name(value_name(name, extractor)) == name for name in NAMES)


def test_other_names_stay():
    others = ['swd', 'copy_rate_wavelet', 'subband_LH_1', 'ppl_std', 'precision_lite2_std', 'fd_']
    assert [bare_name(name) for name in others] == others
