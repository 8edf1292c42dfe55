"""The step that ours is held against."""

import pytest
import torch
from published_step import PublishedStep
from training_step import Step, giga_flops

from mmfncontra.models.taps import can_group

NARROW = {'model.generator.base_channels': 4, 'model.discriminator.base_channels': 4}


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    from training_step import ROOT

    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ('family', 'published', 'ours'), [('fastgan', 805, 604), ('fncontra', 861, 659)]
)
def test_arithmetic_is_that_of_the_published_code(family, published, ours):
    """By torch's counter, at 256 pixels and 4 images; of the published code as it was counted."""
    config = f'configs/{family}/fastgan_256.py'
    assert giga_flops(PublishedStep(config, 4, 'meta')) == pytest.approx(published, rel=5e-3)
    assert giga_flops(Step(config, 4, 'meta')) == pytest.approx(ours, rel=5e-3)


@pytest.mark.parametrize('amp', [False, True])
def test_it_trains(amp):
    step = PublishedStep('configs/fncontra/fastgan-offline_64.py', 2, 'cpu', amp, NARROW)
    networks = step.model.generator, step.model.discriminator
    before = [torch.cat([p.detach().flatten() for p in net.parameters()]) for net in networks]
    average = step.average[0].clone()
    logs = [step()['loss_gen'] for _ in range(2)]
    assert all(loss.isfinite() for loss in logs)
    for net, old in zip(networks, before, strict=True):
        new = torch.cat([p.detach().flatten() for p in net.parameters()])
        assert new.isfinite().all() and not torch.equal(new, old)
    assert not torch.equal(step.average[0], average)


def test_each_batch_passes_the_discriminator_by_itself():
    step = PublishedStep('configs/fncontra/fastgan-offline_64.py', 2, 'cpu', changes=NARROW)
    assert not can_group(step.model.discriminator)
    ours = Step('configs/fncontra/fastgan-offline_64.py', 2, 'cpu', changes=NARROW)
    assert can_group(ours.model.discriminator)


def test_it_upsamples_and_normalises_to_the_same_numbers():
    """What it undoes changes speed alone: generators of both make the same images."""
    config = 'configs/fastgan/fastgan-offline_64.py'
    ours, theirs = (kind(config, 2, 'cpu', changes=NARROW) for kind in (Step, PublishedStep))
    noise = torch.randn(2, ours.model.noise_size)
    images = []
    for step in (ours, theirs):
        torch.manual_seed(1)
        images.append(step.model.generator(noise)[0])
    torch.testing.assert_close(*images)
