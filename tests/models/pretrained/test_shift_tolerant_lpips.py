"""Shift-tolerant LPIPS, against numbers of the package's own networks."""

import copy

import numpy as np
import pytest
import torch

from mmfncontra.models.pretrained import ShiftTolerantLPIPS
from mmfncontra.models.pretrained.shift_tolerant_lpips import shift_tolerant_weights_file
from mmfncontra.models.pretrained.weight_files import read_weights
from mmfncontra.registry import build_model
from mmfncontra.utils.files import file_hash

try:
    shift_tolerant_weights_file('vgg')
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

SMALLEST = dict(vgg=18, alex=21)


@pytest.fixture(scope='module', params=['vgg', 'alex'])
def distance(request):
    return ShiftTolerantLPIPS(request.param)


@pytest.fixture(scope='module')
def alex():
    return ShiftTolerantLPIPS('alex')


def test_golden_numbers(distance, golden):
    golden, trunk = np.load(golden('pretrained.npz')), distance.name.split()[-1]
    wanted = {k: golden[f'stlpips_{trunk}_{k}'] for k in ('pairs', 'shift1', 'layers', 'grad_norm')}
    images = torch.from_numpy(golden['stlpips_images']).float() / 127.5 - 1
    x, others = images.clone().requires_grad_(), images.roll(1, 0)
    layers = distance.layers(x, others)
    layers.sum().backward()
    found = layers.detach().numpy()
    np.testing.assert_allclose(found.sum(0), wanted['pairs'], rtol=1e-4)
    np.testing.assert_allclose(found[1:], wanted['layers'][1:], rtol=1e-4)
    # The package sums in place, so that what it returns as the first layer is the sum.
    first = wanted['layers'][0] - wanted['layers'][1:].sum(0)
    np.testing.assert_allclose(found[0], first, rtol=1e-4)
    norms = x.grad.flatten(1).norm(dim=1)
    np.testing.assert_allclose(norms, wanted['grad_norm'], rtol=1e-4)
    with torch.no_grad():
        shifted = distance(images, images.roll(1, -1))
    np.testing.assert_allclose(shifted, wanted['shift1'], rtol=1e-4)


def test_known_features_give_the_distance_and_batches_do_not_mix(alex):
    x, y = torch.rand(2, 3, 3, 40, 56) * 2 - 1
    features = alex.features(x)
    assert [tuple(maps.shape[:2]) for maps in features] == [
        (3, width) for width in (64, 192, 384, 256, 256)
    ]
    for maps in features:  # of length 1, or 0 where no channel answers
        length = maps.norm(dim=1)
        assert ((length - 1).abs().lt(1e-4) | length.lt(1e-4)).all()
    whole = alex.distance(features, alex.features(y))
    torch.testing.assert_close(whole, alex(x, y))
    torch.testing.assert_close(whole[1:2], alex(x[1:2], y[1:2]), rtol=1e-4, atol=0)
    assert torch.equal(alex(x, x), torch.zeros(3))


def test_is_frozen_and_leaves_a_hash_in_a_checkpoint(alex):
    assert not list(alex.parameters())
    assert {key: value.numel() for key, value in alex.state_dict().items()} == {
        'weights_sha256': 32
    }
    assert alex.hash == file_hash(shift_tolerant_weights_file('alex'))
    assert not any(
        module.training for module in torch.nn.Sequential(alex).train()[0].network.modules()
    )
    with pytest.raises(ValueError, match='ST-LPIPS on alex whose SHA-256 begins with'):
        copy.deepcopy(alex).load_state_dict({'weights_sha256': alex.weights_sha256 ^ 1})


def test_building_draws_no_random_numbers_and_gives_real_weights():
    before = torch.get_rng_state()
    built = build_model(dict(type='ShiftTolerantLPIPS', trunk='alex'))
    assert torch.equal(before, torch.get_rng_state())
    assert not any(tensor.is_meta for tensor in built.network.state_dict().values())


def test_the_smallest_images(distance):
    side = SMALLEST[distance.name.split()[-1]]
    assert distance.smallest == side
    x, y = torch.rand(2, 1, 3, side, side)
    assert distance(x, y).isfinite().all()
    with pytest.raises(ValueError, match=f'sides of {side} pixels or more'):
        distance(x[..., 1:], y[..., 1:])


def test_refuses_a_trunk_and_foreign_weights(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="trunk must be 'vgg' or 'alex', got 'squeeze'"):
        ShiftTolerantLPIPS('squeeze')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        ShiftTolerantLPIPS(weights=tmp_path / 'none.pth')
    with pytest.raises(ValueError, match=r'alex: net\.slice1\.1\.filt is only in the network'):
        ShiftTolerantLPIPS('alex', shift_tolerant_weights_file('vgg'))
    state = read_weights(shift_tolerant_weights_file('alex'))
    torch.save(state | {'lin4.model.1.weight': torch.zeros(1, 3, 1, 1)}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=r'lin4\.model\.1\.weight has shape \(1, 3, 1, 1\) there'):
        ShiftTolerantLPIPS('alex', tmp_path / 'other.pth')
    monkeypatch.setattr('mmfncontra.models.pretrained.weight_files.find_spec', lambda _: None)
    with pytest.raises(ImportError, match='pip install stlpips-pytorch, or the extra pretrained'):
        ShiftTolerantLPIPS()
