import pytest
import torch

from mmfncontra.models.losses import HingeGANLoss


def test_plain_hinge_equals_loop():
    real, fake = torch.randn(4, 5), torch.randn(4, 5)
    losses = HingeGANLoss(margin=(1.0, 1.0)).disc_loss(real, fake)
    expected_real = sum(max(0.0, 1 - x) for x in real.flatten().tolist()) / 20
    expected_fake = sum(max(0.0, 1 + x) for x in fake.flatten().tolist()) / 20
    assert losses['loss_real'].item() == pytest.approx(expected_real, rel=1e-5)
    assert losses['loss_fake'].item() == pytest.approx(expected_fake, rel=1e-5)


def test_margins_are_uniform_and_drawn_per_logit():
    zeros = torch.zeros(20000, 1)
    margins = HingeGANLoss()._margins(zeros)
    assert margins.min() >= 0.8 and margins.max() <= 1.0
    assert margins.mean().item() == pytest.approx(0.9, abs=2e-3)
    assert margins.std().item() == pytest.approx(0.2 / 12**0.5, abs=2e-3)
    assert margins.unique().numel() > 1000


def test_generator_loss_is_the_negative_mean():
    fake = torch.randn(4, 5)
    loss = HingeGANLoss().gen_loss(fake)['loss_adv']
    assert loss.item() == pytest.approx(-sum(fake.flatten().tolist()) / 20, rel=1e-5)


@pytest.mark.parametrize('margin', [(1.0, 0.8), (0.0, 1.0), (1.0,)])
def test_refuses_margin(margin):
    with pytest.raises(ValueError, match='margin must be'):
        HingeGANLoss(margin=margin)
