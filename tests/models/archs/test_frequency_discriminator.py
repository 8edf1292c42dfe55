import numpy as np
import pytest
import pywt
import torch

from mmfncontra.models.archs import FrequencyDiscriminator
from mmfncontra.models.negatives import LowPassNegatives


def convolve(x, weight, bias, stride):
    """A convolution 3x3 with a border of zeros, pixel by pixel."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    height, width = (-(-side // stride) for side in x.shape[1:])
    out = np.empty((len(weight), height, width))
    for channel, (kernel, offset) in enumerate(zip(weight, bias, strict=True)):
        for row in range(height):
            for column in range(width):
                top, left = row * stride, column * stride
                patch = padded[:, top : top + 3, left : left + 3]
                out[channel, row, column] = (patch * kernel).sum() + offset
    return out


def by_loop(network, image, wavelet):
    """Feature maps and logit of one image, in NumPy and PyWavelets."""
    bands = []
    for channel in image:
        _, (horizontal, vertical, diagonal) = pywt.dwt2(channel, wavelet, mode='periodization')
        bands += [vertical, horizontal, diagonal]  # LH, HL, HH
    x, maps = np.stack(bands), []
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    for stage in range(len(network.stages)):
        weight, bias = state[f'stages.{stage}.0.weight'], state[f'stages.{stage}.0.bias']
        x = convolve(x, weight, bias, stride=2 if stage else 1)
        x = np.where(x > 0, x, 0.2 * x)
        maps.append(x)
    return maps, state['logit.weight'][0] @ x.mean(axis=(1, 2)) + state['logit.bias'][0]


@pytest.mark.parametrize('wavelet', ['haar', 'db2'])
@pytest.mark.parametrize('size', [(16, 20), (14, 18)])
def test_equals_plain_loops(wavelet, size):
    network = FrequencyDiscriminator(
        in_channels=2, base_channels=4, num_stages=3, wavelet=wavelet
    ).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    images = torch.randn(2, 2, *size, dtype=torch.float64)
    with torch.no_grad():
        maps, logits = network.features(images), network(images)
    assert logits.shape == (2, 1)
    for index, image in enumerate(images.numpy()):
        expected_maps, expected_logit = by_loop(network, image, wavelet)
        for found, expected in zip(maps, expected_maps, strict=True):
            np.testing.assert_allclose(found[index].numpy(), expected, rtol=1e-10, atol=1e-10)
        assert logits[index].item() == pytest.approx(expected_logit, rel=1e-10)


def test_sees_detail_alone():
    network = FrequencyDiscriminator(base_channels=4)
    coarse = torch.rand(2, 3, 8, 8).repeat_interleave(2, -1).repeat_interleave(2, -2)
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(network(images + coarse), network(images), rtol=0, atol=1e-5)
        assert not torch.allclose(network(images), network(images.flip(-1)))


def test_an_image_is_the_same_in_every_batch():
    network = FrequencyDiscriminator(base_channels=4).train()
    images = torch.rand(4, 3, 16, 16)
    alone = torch.cat([network(image.unsqueeze(0)) for image in images])
    torch.testing.assert_close(network(images), alone)


def test_untrained_features_do_not_depend_on_the_scale_of_the_detail():
    network = FrequencyDiscriminator(base_channels=8)
    images = torch.rand(2, 3, 16, 16)
    faint = zip(network.features(0.01 * images), network.features(images), strict=True)
    for small, large in faint:
        torch.testing.assert_close(small, 0.01 * large, rtol=1e-4, atol=1e-6)


def test_blur_weakens_the_features():
    network = FrequencyDiscriminator(base_channels=8)
    images = torch.rand(2, 3, 32, 32)
    blurred = LowPassNegatives(num=1, sigma=(1.0, 1.0))(images)['blur1']
    for sharp, soft in zip(network.features(images), network.features(blurred), strict=True):
        assert soft.abs().mean() < 0.5 * sharp.abs().mean()


def test_gradient_reaches_images_and_parameters():
    network = FrequencyDiscriminator(in_channels=1, base_channels=2, num_stages=2).double()
    images = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, (images,))
    network(images).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(in_channels=0), 'in_channels must be a positive integer, got 0'),
        (dict(base_channels=1.5), 'base_channels must be a positive integer, got 1.5'),
        (dict(num_stages=-1), 'num_stages must be a positive integer, got -1'),
        (dict(wavelet='harr'), 'haar'),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FrequencyDiscriminator(**arguments)


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        ((3, 8, 8), r'images must have the shape \(B, 3, H, W\), got \(3, 8, 8\)'),
        ((1, 4, 8, 8), r'got \(1, 4, 8, 8\)'),
        ((1, 3, 7, 8), 'images must have even sides, got 7x8'),
    ],
)
def test_refuses_images(shape, message):
    with pytest.raises(ValueError, match=message):
        FrequencyDiscriminator()(torch.rand(shape))
