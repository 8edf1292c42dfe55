"""Features of generated images that never were arrays."""

import numpy as np
import pytest
import torch

from mmfncontra.evaluation.card import MetricCard, find_differences
from mmfncontra.evaluation.metrics import FeatureMetrics, GeneratedBatches, ImageMetrics
from mmfncontra.evaluation.metrics.sample_metric import count_arrays
from mmfncontra.models.archs import FastGANGenerator

REAL = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), np.uint8)


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.generator = FastGANGenerator(out_size=64, base_channels=4, noise_size=8)


class Network(torch.nn.Module):
    """In place of Inception: features and logits of the same kinds, in no time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.logits = torch.nn.Conv2d(3, 32, 8, 8), torch.nn.Linear(32, 9)

    def forward(self, x):
        features = self.conv(x.float() / 128 - 1).relu().mean((2, 3))
        return features, self.logits(features)


@pytest.fixture
def make(inception_file):
    def build(**kwargs):
        metric = FeatureMetrics(
            num_fake=7, weights=str(inception_file), cache_dir=None, batch_size=4, **kwargs
        )
        metric._extractor._network = Network()
        metric.prepare_real(list(REAL))
        return metric

    return build


def _fed(metric, batches):
    for batch in batches:
        metric.process(batch)
    return metric.evaluate()


def test_values_are_those_of_arrays(make):
    values = ['fid', 'kid', 'inception_score', 'precision_recall']
    batches = list(GeneratedBatches(Model(), 7, batch_size=4, num_arrays=7))
    arrays = [dict(images=batch['arrays'], start=batch['start']) for batch in batches]
    found, expected = (_fed(make(values=values), some) for some in (batches, arrays))
    assert len(found) == 7 and found == expected


def test_only_what_is_looked_at_comes_to_the_host(make):
    metrics = [make(), ImageMetrics(values=['swd'], num_fake=3)]
    sampler = metrics[0].get_metric_sampler(
        Model(), torch.utils.data.DataLoader(REAL, batch_size=2), metrics
    )
    assert count_arrays(metrics) == 3 and count_arrays(metrics[:1]) == 0
    batches = list(sampler)
    assert [batch['arrays'] is None for batch in batches] == [False, False, True, True]
    for batch in batches:
        for metric in metrics:
            metric.process(batch)
        assert batch['images'].dtype == torch.uint8 and batch['images'].shape[1:] == (64, 64, 3)
    assert [len(part) for part in metrics[1].results] == [2, 1]
    assert [sorted(part) for part in metrics[0].results] == [['features']] * 4


def test_lower_precision_stands_on_the_card(make):
    model = Model()
    metrics = dict(full=make(), low=make(precision='float16'))
    cards = {}
    for name, metric in metrics.items():
        loader = torch.utils.data.DataLoader(REAL, batch_size=4)
        values = _fed(metric, metric.get_metric_sampler(model, loader, [metric]))
        cards[name] = MetricCard(values, dict(FeatureMetrics=metric.depends()))
    assert metrics['full'].SAMPLER_MODE != metrics['low'].SAMPLER_MODE
    assert not any('float' in warning for warning in metrics['full'].warnings)
    assert 'computed in float16' in metrics['low'].warnings[-1]
    assert 'precision' not in cards['full'].depends['FeatureMetrics']
    assert find_differences(cards) == [
        'FeatureMetrics.precision differs: null (full), "float16" (low)'
    ]
    assert cards['low'].metrics['fid'] == pytest.approx(cards['full'].metrics['fid'], rel=0.02)
    with pytest.raises(ValueError, match='precision must be one of'):
        ImageMetrics(precision='half')


@pytest.mark.gpu
def test_on_a_gpu(make):
    model = Model().cuda()
    batches = list(GeneratedBatches(model, 7, batch_size=2, num_arrays=7))
    metric = make(values=['fid', 'kid'])
    metric.to('cuda')
    metric.prepare_real(list(REAL))
    found = _fed(metric, batches)
    assert all(batch['images'].is_cuda for batch in batches)
    arrays = [dict(images=batch['arrays'], start=batch['start']) for batch in batches]
    expected = _fed(metric, arrays)
    for name, value in found.items():
        assert value == pytest.approx(expected[name], rel=1e-5), name
