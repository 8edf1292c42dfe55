import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from seeds import check_draws_follow_the_seed

from mmfncontra.models.views import RandomMasking
from mmfncontra.registry import MODELS


def lost_blocks(images, masked, blocks, fill=0.0):
    """Lost blocks (B, blocks, blocks); fails where a block is lost in part."""
    lost = []
    side = images.shape[2] // blocks, images.shape[3] // blocks
    for before, after in zip(images.numpy(), masked.numpy(), strict=True):
        table = np.zeros((blocks, blocks), dtype=bool)
        for r in range(blocks):
            for c in range(blocks):
                place = np.s_[:, r * side[0] : (r + 1) * side[0], c * side[1] : (c + 1) * side[1]]
                table[r, c] = (after[place] == np.float32(fill)).all()
                assert table[r, c] or (after[place] == before[place]).all()
        lost.append(table)
    return np.stack(lost)


@pytest.mark.parametrize(('ratio', 'blocks', 'count'), [(0.3, 8, 19), (0.3, 4, 5), (0.75, 2, 3)])
@pytest.mark.parametrize('fill', [0.0, -1.0])
def test_exact_number_of_whole_blocks_is_lost(ratio, blocks, count, fill):
    images = torch.randn(6, 3, 32, 16)
    masked = RandomMasking(ratio, blocks, fill)(images)
    assert masked.shape == images.shape and masked.dtype == images.dtype
    lost = lost_blocks(images, masked, blocks, fill)
    assert lost.sum(axis=(1, 2)).tolist() == [count] * 6


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**20), percent=st.integers(5, 95), blocks=st.integers(2, 6))
def test_any_ratio(seed, percent, blocks):
    torch.manual_seed(seed)
    share = percent * blocks**2 / 100
    assume(abs(share % 1 - 0.5) > 1e-6 and 0.5 < share < blocks**2 - 0.5)
    images = torch.randn(3, 1, 4 * blocks, 3 * blocks)
    lost = lost_blocks(images, RandomMasking(percent / 100, blocks)(images), blocks)
    assert lost.sum(axis=(1, 2)).tolist() == [int(share + 0.5)] * 3


def test_every_block_equally_often_and_each_image_by_itself():
    images = torch.randn(800, 1, 8, 8)
    lost = lost_blocks(images, RandomMasking(0.3, 4)(images), 4)
    frequencies = lost.mean(axis=0)
    # Standard deviation of a frequency: (0.3125 · 0.6875 / 800)^½ = 0.016.
    assert np.abs(frequencies - 5 / 16).max() < 4 * 0.0164
    assert len({table.tobytes() for table in lost}) > 600
    # Two given blocks are lost together as drawing without putting back has it: 5·4 / 16·15.
    together = (lost[:, 0, 0] & lost[:, 0, 1]).sum()
    assert stats.binomtest(int(together), 800, 20 / 240).pvalue > 1e-3


@pytest.mark.parametrize('size', [(13, 10), (9, 31)])
def test_sizes_that_the_grid_does_not_divide(size):
    """Rows that always share their fate are one row of the grid."""
    blocks, draws = 4, 200
    images = torch.ones(draws, 2, *size)
    masked = RandomMasking(0.3, blocks)(images)
    assert set(masked.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(masked[:, 0], masked[:, 1])
    lost = masked[:, 0].numpy() == 0
    for axis, length in ((1, size[0]), (2, size[1])):
        lines = np.moveaxis(lost, axis, 0)
        starts = [k for k in range(1, length) if (lines[k] != lines[k - 1]).any()]
        assert len(starts) == blocks - 1
        sides = np.diff([0, *starts, length])
        assert sides.max() - sides.min() <= 1
        lost = np.take(lost, [0, *starts], axis)
    assert (lost.sum(axis=(1, 2)) == 5).all()


def test_same_for_every_channel_and_leaves_the_input():
    images = torch.randn(2, 3, 16, 16)
    kept = images.clone()
    masked = RandomMasking(0.5, 4, fill=9.0)(images)
    assert torch.equal(images, kept)
    lost = masked == 9
    assert torch.equal(lost[:, 0], lost[:, 1]) and torch.equal(lost[:, 0], lost[:, 2])


def test_gradient_flows_where_the_image_is_kept_only():
    images = torch.randn(2, 1, 16, 16, requires_grad=True)
    masked = RandomMasking(0.3, 4, fill=9.0)(images)
    gradient = torch.autograd.grad(masked.sum(), images)[0]
    assert torch.equal(gradient, (masked != 9).float())


def test_same_seed_same_blocks():
    check_draws_follow_the_seed(RandomMasking(), torch.randn(2, 3, 32, 32))


def test_is_registered_with_the_documented_defaults():
    module = MODELS.build(dict(type='mmfncontra.RandomMasking'))
    assert module.acts_on == 'images'
    images = torch.randn(4, 3, 64, 64)
    assert lost_blocks(images, module(images), 8).sum(axis=(1, 2)).tolist() == [19] * 4


@pytest.mark.parametrize('ratio', [-0.1, 0, 1, 1.1, float('nan')])
def test_refuses_ratio(ratio):
    with pytest.raises(ValueError, match='ratio must be'):
        RandomMasking(ratio=ratio)


@pytest.mark.parametrize('ratio', [0.1, 0.9])
def test_refuses_a_ratio_that_loses_no_block_or_every_block(ratio):
    with pytest.raises(ValueError, match='ratio'):
        RandomMasking(ratio=ratio, blocks=2)


def test_refuses_images_with_fewer_pixels_than_blocks():
    with pytest.raises(ValueError, match='blocks must be at most'):
        RandomMasking(blocks=8)(torch.zeros(1, 3, 16, 7))


@pytest.mark.parametrize('blocks', [0, -2, 2.5])
def test_refuses_blocks(blocks):
    with pytest.raises(ValueError, match='blocks must be'):
        RandomMasking(blocks=blocks)
