import numpy as np
import pytest
import torch

from mmfncontra.datasets.transforms import PackImages
from mmfncontra.registry import TRANSFORMS

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)


@pytest.mark.parametrize('flip', [np.s_[:], np.s_[:, ::-1], np.s_[::-1], np.s_[::-1, ::-1]])
def test_channels_first_for_any_stride(flip):
    item = PackImages()(dict(img=IMAGE[flip]))
    assert list(item) == ['inputs']
    inputs = item['inputs']
    assert inputs.dtype == torch.uint8 and inputs.is_contiguous()
    for c in range(3):
        np.testing.assert_array_equal(inputs[c], IMAGE[flip][..., c])


def test_extra_keys():
    negative = IMAGE.astype(np.float32)[:, ::-1]
    results = dict(img=IMAGE, neg=negative, sample_idx=3, vector=np.arange(4), more=None)
    item = PackImages(extra_keys=['neg', 'sample_idx', 'vector'])(results)
    assert list(item) == ['inputs', 'neg', 'sample_idx', 'vector']
    torch.testing.assert_close(item['neg'], torch.tensor(negative.copy()).permute(2, 0, 1))
    assert item['sample_idx'].item() == 3 and item['vector'].tolist() == [0, 1, 2, 3]


def test_other_key():
    assert PackImages(key='x')(dict(x=IMAGE))['inputs'].shape == (3, 6, 4)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match='extra_keys must be a list'):
        PackImages(extra_keys='neg')
    with pytest.raises(ValueError, match="must not hold 'inputs'"):
        PackImages(extra_keys=['inputs'])
    with pytest.raises(KeyError, match='neg'):
        PackImages(extra_keys=['neg'])(dict(img=IMAGE))
    with pytest.raises(ValueError, match=r'uint8.*float32'):
        PackImages()(dict(img=IMAGE.astype(np.float32)))
    with pytest.raises(ValueError, match=r'uint8 \(6, 4\)'):
        PackImages()(dict(img=IMAGE[..., 0]))


def test_mmcv_transforms_resolve_in_our_scope(default_scope):
    flip = TRANSFORMS.build(dict(type='RandomFlip', prob=1.0, direction='horizontal'))
    item = PackImages()(flip(dict(img=IMAGE)))
    np.testing.assert_array_equal(item['inputs'].permute(1, 2, 0), IMAGE[:, ::-1])
