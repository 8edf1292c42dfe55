"""What a validation refuses before a training, and what it leaves out."""

import numpy as np
import pytest
import torch
from torch import nn

from mmfncontra.evaluation.metrics import DiscriminatorView, ImageMetrics
from mmfncontra.evaluation.metrics.sample_metric import check_metrics, named_depends


class Generator(nn.Module):
    out_size = 32


class Groups(nn.Module):
    """A discriminator that takes no remainder of a group of four, as StyleGAN2's does."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        assert len(x) % 4 == 0
        return self.scale * x.mean((1, 2, 3), keepdim=True)[..., 0, 0]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = Generator(), Groups()


def images(num, side=32):
    return np.random.default_rng(0).integers(0, 256, (num, side, side, 3), np.uint8)


def test_arguments_that_do_not_go_with_the_model():
    with pytest.raises(ValueError, match='truncation must be 1 for Generator'):
        check_metrics([ImageMetrics(truncation=0.7)], Model())
    with pytest.raises(ValueError, match=r'heldout must have images of 32 pixels.* got 64'):
        heldout = dict(type='ProceduralShells', num_images=2, size=64)
        check_metrics([DiscriminatorView(heldout=heldout)], Model())
    with pytest.raises(ValueError, match='leave it out of test_evaluator'):
        check_metrics([DiscriminatorView()], Generator())
    with pytest.raises(ValueError, match=r'ImageMetrics is there twice .*\(swd\)'):
        check_metrics([ImageMetrics(), ImageMetrics(values=['swd'])], Model())
    check_metrics([ImageMetrics(), ImageMetrics(prefix='b'), DiscriminatorView()], Model())
    with pytest.raises(ValueError, match='num_real must be a positive integer'):
        ImageMetrics(num_real=-3)
    with pytest.raises(FileNotFoundError, match='/nope'):
        DiscriminatorView(heldout=dict(type='FewShotDataset', data_root='/nope', size=32))


def test_images_are_taken_by_their_numbers():
    metric = ImageMetrics(num_fake=5)
    for start in (0, 3, 6):  # a rank that begins at 6 has nothing for it
        metric.process(dict(images=images(3), start=start))
    assert [len(part) for part in metric.results] == [3, 2]


def test_dependencies_of_metrics_of_one_class():
    metrics = [ImageMetrics(num_fake=4), ImageMetrics(num_fake=8, prefix='more')]
    for metric in metrics:
        metric.prepare_real(images(3))
    found = named_depends(metrics)
    assert sorted(depends['num_fake'] for depends in found.values()) == [4, 8]
    assert 'ImageMetrics more' in found


def test_discriminator_that_takes_whole_groups():
    metric = DiscriminatorView(num_fake=5)
    metric._model = Model()
    metric.prepare_real(images(21))
    found = metric.compute_metrics([images(5)])
    real = images(21).reshape(21, -1).mean(1) / 127.5 - 1
    assert found['r_t_clean'] == pytest.approx(np.sign(real).mean())
    assert found['separation'] == pytest.approx(real.mean() - real[:5].mean(), abs=1e-6)


def test_training_images_that_are_all_the_same():
    metric = ImageMetrics(num_fake=4)
    metric.prepare_real(images(1).repeat(4, 0))
    found = metric.compute_metrics([images(4)])
    assert 'diversity' in found and 'diversity_ratio' not in found
    assert 'all training images are the same' in metric.warnings[0]
