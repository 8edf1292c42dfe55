import pytest
import torch
from torch import nn

from mmfncontra.models.losses import R1Penalty


@pytest.fixture
def critic():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(36, 2)
    ).double()


@pytest.fixture
def images():
    return torch.randn(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)


def slopes(critic, images, step=1e-5):
    """Central differences of the summed logits, one pixel at a time."""
    images = images.detach()
    slopes = torch.zeros_like(images)
    for index in range(images.numel()):
        bump = torch.zeros_like(images).view(-1)
        bump[index] = step
        bump = bump.view_as(images)
        with torch.no_grad():
            rise = critic(images + bump).sum() - critic(images - bump).sum()
        slopes.view(-1)[index] = rise / (2 * step)
    return slopes


@pytest.mark.parametrize(('reduction', 'divisor'), [('image', 3), ('pixel', 3 * 64)])
def test_equals_finite_differences(critic, images, reduction, divisor):
    penalty = R1Penalty(gamma=10.0, interval=16, reduction=reduction)(images, critic(images))
    expected = 5 * 16 * slopes(critic, images).square().sum() / divisor
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-7)


def test_its_own_gradient_equals_finite_differences(critic, images):
    penalty = R1Penalty()(images, critic(images))
    weight = critic[3].weight
    (gradient,) = torch.autograd.grad(penalty, weight)
    values = []
    for step in (1e-6, -1e-6):
        with torch.no_grad():
            weight[0, 5] += step
        values.append(R1Penalty()(images, critic(images)).item())
        with torch.no_grad():
            weight[0, 5] -= step
    assert gradient[0, 5].item() == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)


def test_leaves_the_graph_of_the_logits_to_other_losses(critic, images):
    logits = critic(images)
    (R1Penalty()(images, logits) + logits.mean()).backward()
    assert all(parameter.grad is not None for parameter in critic[:3].parameters())


def test_squares_of_half_precision_gradients_do_not_vanish():
    images = torch.zeros(1, 3, 4, 4, dtype=torch.float16, requires_grad=True)
    penalty = R1Penalty(gamma=2.0, interval=1)(images, 1e-4 * images)
    assert penalty.item() == pytest.approx(48 * 1e-8, rel=1e-2)


def test_equals_mmagic(critic, images):
    from mmfncontra.compat.prepare_mmagic import prepare_mmagic

    prepare_mmagic()
    from mmagic.models.losses import r1_gradient_penalty_loss

    for reduction, mode in (('image', 'HWC'), ('pixel', 'pixel')):
        ours = R1Penalty(gamma=2.0, interval=1, reduction=reduction)(images, critic(images))
        theirs = r1_gradient_penalty_loss(critic, images.detach(), norm_mode=mode)
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('argument', [dict(gamma=0.0), dict(interval=0), dict(reduction='sum')])
def test_refuses(argument):
    with pytest.raises(ValueError, match=f'{next(iter(argument))} must be'):
        R1Penalty(**argument)
