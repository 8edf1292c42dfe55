import numpy as np
import pytest
import torch
from two_ranks import on_two_ranks

from mmfncontra.evaluation.features import cached_features
from mmfncontra.evaluation.hashes import content_digests


class Means:
    """Stands in for a network: the mean of each channel."""

    name = 'means'
    batch_size = 4

    def __init__(self, weights_hash='0'):
        self.fingerprint = dict(extractor='means', weights_hash=weights_hash)
        self.calls = 0

    def __call__(self, images):
        self.calls += 1
        return dict(features=images.mean(axis=(1, 2)), logits=images[:, 0, 0, :1].astype('f4'))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)


def test_hit_runs_no_network_and_keeps_the_order_asked_for(images, tmp_path):
    first = cached_features(Means(), images, tmp_path)
    np.testing.assert_array_equal(first['features'], images.mean(axis=(1, 2)))
    extractor, order = Means(), np.random.default_rng(1).permutation(9)
    again = cached_features(extractor, list(images[order]), tmp_path)
    assert extractor.calls == 0
    for name, rows in first.items():
        np.testing.assert_array_equal(again[name], rows[order])
    assert len(list(tmp_path.iterdir())) == 1


def _changed(images):
    images = images.copy()
    images[3, 0, 0, 0] ^= 1
    return images


@pytest.mark.parametrize(
    'change',
    [
        lambda images: dict(images=_changed(images)),
        lambda images: dict(images=images[:-1]),
        lambda images: dict(images=np.concatenate([images, images[:1]])),
        lambda images: dict(images=images.reshape(9, 5, 6, 3)),
        lambda images: dict(extractor=Means('1')),
        lambda images: dict(extra='other'),
    ],
)
def test_whatever_features_depend_on_misses(change, images, tmp_path):
    cached_features(Means(), images, tmp_path)
    arguments = dict(extractor=Means(), images=images, cache_dir=tmp_path) | change(images)
    result = cached_features(**arguments)
    assert arguments['extractor'].calls > 0
    np.testing.assert_array_equal(result['features'], arguments['images'].mean(axis=(1, 2)))


def test_names_and_compression_of_files_play_no_part(images, tmp_path):
    from PIL import Image

    def read(folder):
        return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]

    for folder, suffix in (('a', 'png'), ('b', 'bmp')):
        (tmp_path / folder).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / folder / f'{folder}{i * 7 % 9}.{suffix}')
    cached_features(Means(), read(tmp_path / 'a'), tmp_path / 'cache')
    extractor = Means()
    cached_features(extractor, read(tmp_path / 'b'), tmp_path / 'cache')
    assert extractor.calls == 0


@pytest.mark.parametrize('damage', [lambda b: b[: len(b) // 2], lambda b: b'', lambda b: _flip(b)])
def test_damaged_file_is_computed_anew(damage, images, tmp_path):
    expected = cached_features(Means(), images, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    extractor = Means()
    with pytest.warns(UserWarning, match='damaged and computed anew'):
        result = cached_features(extractor, images, tmp_path)
    assert extractor.calls
    np.testing.assert_array_equal(result['features'], expected['features'])
    cached_features(extractor := Means(), images, tmp_path)
    assert not extractor.calls


def _flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def test_features_survive_a_folder_that_cannot_be_written(images, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.warns(UserWarning, match='not cached'):
        result = cached_features(Means(), images, tmp_path / 'file' / 'cache')
    assert result['features'].shape == (9, 3)
    assert cached_features(Means(), images, None)['features'].shape == (9, 3)


def test_checks_images(images, tmp_path):
    with pytest.raises(ValueError, match='must not be empty'):
        cached_features(Means(), images[:0], tmp_path)
    with pytest.raises(ValueError, match=r'images\[0\] must be a uint8 RGB array .*, got float'):
        content_digests(images / 255)


def check_shared_work(images, cache):
    rank = torch.distributed.get_rank()
    for count, calls in ((9, 2 - rank), (9, 0), (1, 1 - rank)):
        extractor = Means()
        result = cached_features(extractor, images[:count], cache)
        assert extractor.calls == calls, (rank, count, extractor.calls)
        np.testing.assert_array_equal(result['features'], images[:count].mean(axis=(1, 2)))


def test_two_ranks_share_the_work(images, tmp_path):
    on_two_ranks(check_shared_work, images, tmp_path / 'c', folder=tmp_path)
    assert len(list((tmp_path / 'c').iterdir())) == 2
