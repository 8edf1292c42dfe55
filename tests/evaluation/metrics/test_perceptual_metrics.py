"""Values by two networks, their names and what the card says of them."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from mmfncontra.evaluation.features import LPIPSDistance
from mmfncontra.evaluation.functional.perceptual import lpips_diversity
from mmfncontra.evaluation.metrics import PerceptualMetrics
from mmfncontra.evaluation.metrics.sample_metric import check_metrics, make_card
from mmfncontra.models.losses import LPIPSReconstructionLoss
from mmfncontra.models.pretrained.shift_tolerant_lpips import shift_tolerant_weights_file
from mmfncontra.utils.files import file_hash

needs_package = pytest.mark.skipif(
    find_spec('stlpips_pytorch') is None, reason='the extra pretrained is not installed'
)


@pytest.fixture(scope='module')
def metric():
    return PerceptualMetrics(num_fake=3, network='stlpips_alex')


@pytest.fixture(scope='module')
def images():
    return np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)


def measured(metric, images):
    metric.prepare_real(list(images[4:]))
    metric.process(dict(images=images[:4]))
    return metric.evaluate()


@needs_package
def test_diversity_by_shift_tolerant_lpips(metric, images):
    found, distance = measured(metric, images), LPIPSDistance(network='stlpips_alex')
    assert found == pytest.approx(
        dict(
            stlpips_alex_diversity=lpips_diversity(images[:3], distance),
            stlpips_alex_diversity_real=lpips_diversity(images[4:], distance),
        )
    )
    assert metric.value_names() == list(found)
    depends = make_card([metric], found, 1).depends['PerceptualMetrics']
    assert depends['extractor'] == 'stlpips-alex'
    assert depends['weights_hash'] == file_hash(shift_tolerant_weights_file('alex'))
    assert 'seen_in_training' not in depends


@needs_package
def test_a_loss_of_the_same_network_is_told(metric, images):
    trained = nn.Module()
    trained.rec = LPIPSReconstructionLoss(variant='shift_tolerant', trunk='alex')
    trained.weight = nn.Parameter(torch.zeros(1))
    other = PerceptualMetrics(num_fake=3, network='stlpips_vgg')
    try:
        check_metrics([metric, other], trained)
        card = make_card([metric], measured(metric, images), 1)
        assert set(card.seen_in_training) == {
            'stlpips_alex_diversity', 'stlpips_alex_diversity_real'
        }  # fmt: skip
        assert make_card([other], measured(other, images), 1).seen_in_training == {}
    finally:
        check_metrics([metric], nn.Linear(1, 1))


@needs_package
def test_names_of_two_networks_differ(vgg16_file):
    published = PerceptualMetrics(['lpips_diversity', 'ppl'], weights=vgg16_file)
    tolerant = PerceptualMetrics(
        ['stlpips_vgg_diversity', 'stlpips_vgg_ppl'], network='stlpips_vgg'
    )
    assert published.value_names() == [
        *('lpips_diversity', 'lpips_diversity_real', 'ppl', 'ppl_std')
    ]
    assert not set(published.value_names()) & set(tolerant.value_names())
    published.prepare_real(np.zeros((2, 32, 32, 3), np.uint8))
    depends = published.depends()
    assert depends['extractor'] == 'lpips-vgg16'
    assert depends['weights_hash'] == file_hash(vgg16_file)
    with pytest.raises(ValueError, match="'stlpips_vgg_ppl' needs a generator with a mapping to W"):
        check_metrics([tolerant], nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"values must be some of \('stlpips_alex_diversity', "):
        PerceptualMetrics(['lpips_diversity'], network='stlpips_alex')
