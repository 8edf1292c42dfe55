import math

import pytest
import torch

from mmfncontra.models.losses import LogisticGANLoss


def mean_of(function, logits):
    return sum(map(function, logits.flatten().tolist())) / logits.numel()


def test_equals_cross_entropy_in_a_loop():
    real, fake = torch.randn(4, 5), torch.randn(4, 5)
    losses = LogisticGANLoss().disc_loss(real, fake)
    expected_real = mean_of(lambda x: -math.log(1 / (1 + math.exp(-x))), real)
    expected_fake = mean_of(lambda x: -math.log(1 - 1 / (1 + math.exp(-x))), fake)
    assert losses['loss_real'].item() == pytest.approx(expected_real, rel=1e-5)
    assert losses['loss_fake'].item() == pytest.approx(expected_fake, rel=1e-5)


def test_generator_loss_is_that_of_calling_fakes_real():
    fake = torch.randn(4, 5)
    loss = LogisticGANLoss().gen_loss(fake)['loss_adv']
    assert loss == LogisticGANLoss().disc_loss(fake, fake)['loss_real']


def test_large_logits_stay_finite_and_half_precision_is_widened():
    logits = torch.tensor([[-300.0], [300.0]], dtype=torch.float16, requires_grad=True)
    loss = LogisticGANLoss().gen_loss(logits)['loss_adv']
    assert loss.dtype == torch.float32 and loss.item() == 150
    loss.backward()
    assert logits.grad.flatten().tolist() == [-0.5, 0]
