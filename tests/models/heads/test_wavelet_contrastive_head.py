import numpy as np
import pytest
import pywt
import torch

from mmfncontra.models.heads import WaveletContrastiveHead, wavelet_prototype


def test_prototype_equals_pywavelets():
    feature = torch.randn(2, 5, 8, 12, dtype=torch.float64)
    expected = np.zeros((2, 4, 6))
    for b in range(2):
        for c in range(5):
            # PyWavelets' Haar high-pass has the opposite sign: odd bands change theirs.
            _, (h, v, d) = pywt.dwt2(feature[b, c].numpy(), 'haar')
            expected[b] += (d - h - v) / 5
    np.testing.assert_allclose(wavelet_prototype(feature).numpy(), expected, atol=1e-12)


def test_prototype_of_one_block():
    block = torch.tensor([[1.0, 2.0], [3.0, 7.0]]).view(1, 1, 2, 2)
    assert wavelet_prototype(block).item() == pytest.approx(2 * 7 - 13 / 2)


def test_shapes_and_layers():
    head = WaveletContrastiveHead(in_channels=512, in_size=8)
    maps = [torch.randn(2, 4, s, s) for s in (64, 32, 16)] + [torch.randn(2, 512, 8, 8)]
    embedding, prototypes = head(maps)
    assert embedding.shape == (2, 512) and head.embedding_size == 512
    assert [tuple(p.shape) for p in prototypes] == [(2, 32, 32), (2, 16, 16), (2, 8, 8)]
    assert tuple(head.projector[0].weight.shape) == (256, 512, 4, 4)


def test_embedding_size_of_larger_maps():
    head = WaveletContrastiveHead(in_channels=16, in_size=13)
    assert head.embed(torch.randn(2, 16, 13, 13)).shape == (2, head.embedding_size)


@pytest.mark.parametrize('size', [4, 5])
def test_small_maps_are_padded_for_the_projector(size):
    head = WaveletContrastiveHead(in_channels=512, in_size=size)
    assert head.embed(torch.randn(2, 512, size, size)).shape == (2, head.embedding_size) == (2, 128)


def test_half_precision_maps_are_embedded_in_full():
    head = WaveletContrastiveHead(in_channels=16)
    assert head.embed(torch.randn(2, 16, 8, 8, dtype=torch.float16)).dtype == torch.float32


def test_without_projector():
    head = WaveletContrastiveHead(in_channels=16, embed=False)
    assert not list(head.parameters())
    with pytest.raises(ValueError, match='embed=False'):
        head.embed(torch.randn(1, 16, 8, 8))


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match='in_channels'):
        WaveletContrastiveHead(in_channels=2)
    with pytest.raises(ValueError, match='in_size'):
        WaveletContrastiveHead(in_size=3)
    with pytest.raises(ValueError, match='even size, got 7x8'):
        wavelet_prototype(torch.zeros(1, 1, 7, 8))


def test_a_single_image_has_no_statistics_on_the_smallest_map():
    head = WaveletContrastiveHead(in_channels=16, in_size=4)
    with pytest.raises(ValueError, match='needs batches of 2 images or more'):
        head.embed(torch.randn(1, 16, 4, 4))
    assert head.eval().embed(torch.randn(1, 16, 4, 4)).shape == (1, head.embedding_size)
    assert WaveletContrastiveHead(in_channels=16).embed(torch.randn(1, 16, 8, 8)).shape == (1, 16)
