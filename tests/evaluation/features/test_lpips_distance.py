from importlib.util import find_spec

import numpy as np
import pytest
import torch

from mmfncontra.evaluation.features import LPIPSDistance
from mmfncontra.models.losses import LPIPSReconstructionLoss
from mmfncontra.models.pretrained import ShiftTolerantLPIPS
from mmfncontra.models.sampling.images import from_arrays


@pytest.fixture(scope='module')
def distance(vgg16_file):
    return LPIPSDistance(vgg16_file)


def test_equals_the_loss_image_by_image(distance, vgg16_file):
    x, y = torch.rand(2, 2, 3, 32, 24) * 2 - 1
    loss = LPIPSReconstructionLoss(backbone_weights=vgg16_file)
    expected = [loss([a[None]], [b[None]]).item() for a, b in zip(x, y, strict=True)]
    with torch.autocast('cpu'):
        ours = distance(x, y)
    assert ours.tolist() == pytest.approx(expected, rel=1e-4)
    assert not ours.requires_grad


def test_is_the_squared_distance_of_embeddings(distance):
    x, y = torch.rand(2, 2, 3, 32, 24) * 2 - 1
    squared = (distance.embed(x) - distance.embed(y)).square().sum(dim=1)
    torch.testing.assert_close(squared, distance(x, y), rtol=1e-4, atol=0)


def test_value_range():
    images = np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3)
    torch.testing.assert_close(from_arrays(images).flatten(), torch.tensor([-1, -0.6, 1]))
    with pytest.raises(ValueError, match='uint8'):
        from_arrays(images / 255)


def test_checks_images_and_weights(distance, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match='sides of 16 pixels'):
        distance.embed(torch.zeros(1, 3, 8, 64))
    with pytest.raises(ValueError, match='floating point'):
        distance.embed(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        LPIPSDistance()
    assert 'vgg16-397923af.pth' in str(error.value)
    assert str(tmp_path / 'checkpoints') in str(error.value)
    assert 'https://download.pytorch.org' in str(error.value)


@pytest.mark.skipif(find_spec('stlpips_pytorch') is None, reason='the extra pretrained is missing')
@pytest.mark.parametrize(('trunk', 'smallest'), [('vgg', 18), ('alex', 21)])
def test_shift_tolerant_networks(trunk, smallest):
    distance, oracle = LPIPSDistance(network=f'stlpips_{trunk}'), ShiftTolerantLPIPS(trunk)
    x, y = torch.rand(2, 2, 3, 32, 40) * 2 - 1
    torch.testing.assert_close(distance(x, y), oracle(x, y), rtol=1e-5, atol=0)
    squared = (distance.embed(x) - distance.embed(y)).square().sum(dim=1)
    torch.testing.assert_close(squared, oracle(x, y), rtol=1e-4, atol=0)
    assert distance.hash == oracle.hash and not distance(x, y).requires_grad
    with pytest.raises(ValueError, match=f'sides of {smallest} pixels'):
        distance(*torch.zeros(2, 1, 3, smallest - 1, 64))


def test_refuses_a_network():
    with pytest.raises(ValueError, match='network must be one of lpips_vgg16, stlpips_vgg, stlp'):
        LPIPSDistance(network='vgg')
