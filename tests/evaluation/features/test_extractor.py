import numpy as np
import pytest
import torch

from mmfncontra.evaluation.features import EXTRACTORS, FeatureExtractor


@pytest.fixture(scope='module')
def extractor(inception_file):
    return FeatureExtractor(weights=inception_file, batch_size=2)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), dtype=np.uint8)


def test_batches_and_training_settings_make_no_difference(extractor, images):
    whole = extractor(images)
    assert whole['features'].shape == (3, 2048) and whole['features'].dtype == np.float32
    assert whole['logits'].shape == (3, 1008) and whole['logits'].dtype == np.float32
    with torch.autocast('cpu'):
        alone = extractor(images[2:])
    for name, rows in whole.items():
        np.testing.assert_allclose(alone[name], rows[2:], rtol=1e-4, atol=1e-5)
    assert not np.allclose(whole['features'][0], whole['features'][1])


def test_tensors_stay_where_they_are_and_nothing_waits(extractor, images):
    from torch.utils._python_dispatch import TorchDispatchMode

    class NoWaiting(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            assert func.overloadpacket.__name__ not in ('_local_scalar_dense', 'nonzero'), func
            return func(*args, **(kwargs or {}))

    expected = extractor(images)
    with NoWaiting():
        found = extractor.extract(torch.from_numpy(images))
    for name, rows in expected.items():
        assert torch.equal(found[name], torch.from_numpy(rows)), name
    with pytest.raises(ValueError, match='images must be a uint8 tensor'):
        extractor.extract(torch.from_numpy(images).float())


def test_lower_precision_is_another_fingerprint(extractor, inception_file, images):
    low = FeatureExtractor(weights=inception_file, batch_size=2, precision='float16')
    assert low.fingerprint == extractor.fingerprint | dict(precision='float16')

    class Network(torch.nn.Module):  # Inception in half precision takes half a minute on a CPU
        def forward(self, x):
            return torch.mm(x.float().flatten(1)[:, :9] / 256, torch.ones(9, 2) / 3), x.float()

    low._network = Network()
    found = low(images)
    expected = images.transpose(0, 3, 1, 2).reshape(3, -1)[:, :9].astype(float).sum(1) / 768
    assert found['features'].dtype == np.float32
    np.testing.assert_allclose(found['features'][:, 0], expected, rtol=1e-2)
    assert not np.allclose(found['features'][:, 0], expected, rtol=1e-6)
    with pytest.raises(ValueError, match='precision must be one of'):
        FeatureExtractor(weights=inception_file, precision='tf32')


@pytest.mark.gpu
def test_on_a_gpu(inception_file, images):
    expected = FeatureExtractor(weights=inception_file)(images)
    extractor = FeatureExtractor(weights=inception_file, device='cuda', batch_size=2)
    found = extractor.extract(torch.from_numpy(images).cuda())
    for name, rows in expected.items():
        assert found[name].is_cuda
        np.testing.assert_allclose(found[name].cpu().numpy(), rows, rtol=1e-3, atol=1e-4)


def test_says_what_its_features_depend_on(extractor, inception_file):
    import hashlib

    assert extractor.hash == hashlib.sha256(inception_file.read_bytes()).hexdigest()[:16]
    assert extractor.fingerprint == dict(
        extractor='inception', weights_hash=extractor.hash, resize_filter='tf1-bilinear-299'
    )
    assert not extractor.published and extractor.has_logits


@pytest.mark.parametrize(
    ('name', 'file_name', 'url'),
    [
        ('inception', 'weights-inception-2015-12-05-6726825d.pth', 'github.com/toshas'),
        ('vgg16', 'vgg16-397923af.pth', 'download.pytorch.org'),
        ('clip-vit-b-32', 'clip-vit-b-32-40d36571', 'openaipublic'),
    ],
)
def test_missing_weights_named_before_anything_is_fetched(
    name, file_name, url, tmp_path, monkeypatch
):
    def fetch(*_, **__):
        raise AssertionError('downloads')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    with pytest.raises(FileNotFoundError) as error:
        FeatureExtractor(name)
    message = str(error.value)
    assert file_name in message and url in message
    assert str(tmp_path / 'checkpoints') in message and 'download=True' in message
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth does not exist'):
        FeatureExtractor(name, weights=tmp_path / 'nowhere.pth')


def test_takes_the_file_in_the_hub_folder_or_downloads_it(inception_file, tmp_path, monkeypatch):
    asked = []

    def fetch(url, path, hash_prefix):
        asked.append((url, hash_prefix))
        with open(path, 'wb') as file:
            file.write(inception_file.read_bytes())

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    FeatureExtractor(download=True)
    FeatureExtractor()
    assert [prefix for _, prefix in asked] == ['6726825d']


def test_refuses_other_files(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(dict(weight=torch.ones(1)), path)
    with pytest.raises(ValueError, match='does not hold the weights of inception'):
        FeatureExtractor(weights=path)
    path.write_bytes(b'PK no weights')
    with pytest.raises(ValueError, match='does not hold'):
        FeatureExtractor(weights=path)


def test_a_weights_file_runs_no_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / 'sprung'), 'w'))

    torch.save(Trap(), tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match='does not hold'):
        FeatureExtractor(weights=tmp_path / 'weights.pth')
    assert not (tmp_path / 'sprung').exists()


def _clip_file(path):
    """A tiny CLIP as TorchScript, which is how it is published."""
    from torch import nn
    from torch_fidelity.feature_extractor_clip import CLIPVisual

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.visual = CLIPVisual(8, 64, 1, 64, 32).visual
            self.text_projection = nn.Parameter(torch.zeros(4, 8))

        def forward(self, x):
            return x

    torch.jit.save(torch.jit.trace(Model(), torch.zeros(1)), path)


def test_clip(tmp_path, images):
    _clip_file(tmp_path / 'clip.pt')
    extractor = FeatureExtractor('clip-vit-b-32', tmp_path / 'clip.pt')
    assert extractor.resize_filter == 'tf1-bilinear-64' and not extractor.has_logits
    result = extractor(images)
    assert list(result) == ['features'] and result['features'].shape == (3, 8)


def test_checks_arguments(extractor, images):
    with pytest.raises(ValueError, match=r'name must be one of inception, vgg16'):
        FeatureExtractor('resnet')
    with pytest.raises(ValueError, match='batch_size must be'):
        FeatureExtractor(batch_size=0)
    for bad in (images / 255, images[0], images[..., :1], images[:0]):
        with pytest.raises(ValueError, match='images must be a non-empty uint8 RGB array'):
            extractor(bad)
    assert EXTRACTORS[0] == 'inception'
