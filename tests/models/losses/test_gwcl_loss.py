import math

import pytest
import torch

from mmfncontra.models.losses import GWCLLoss, prototype_distance

SHAPES = [(3, 8, 8), (3, 4, 4), (3, 2, 2)]


def prototypes():
    return [torch.randn(shape, dtype=torch.float64) for shape in SHAPES]


def plain_distance(a, b, decay):
    total = 0.0
    for i, (p, q) in enumerate(zip(a, b, strict=True)):
        norms = [
            math.sqrt(sum((x - y + 1e-6) ** 2 for x, y in zip(row_p, row_q, strict=True)))
            for image_p, image_q in zip(p.tolist(), q.tolist(), strict=True)
            for row_p, row_q in zip(image_p, image_q, strict=True)
        ]
        total += decay**i * sum(norms) / len(norms)
    return total


def test_distance_equals_plain_loop():
    a, b = prototypes(), prototypes()
    assert prototype_distance(a, b, 0.5).item() == pytest.approx(plain_distance(a, b, 0.5))


def test_equals_plain_loop():
    fake, real = prototypes(), prototypes()
    negatives = dict(easy=prototypes(), middle=prototypes(), hard=[p.clone() for p in fake])
    weights = dict(easy=0.5, middle=-100.0, hard=0.2)
    expected = 0.0
    for name, negative in negatives.items():
        gap = plain_distance(fake, real, 0.5) - plain_distance(fake, negative, 0.5)
        expected += 0.1 * max(0.0, gap + weights[name])
    assert GWCLLoss()(fake, real, negatives, weights).item() == pytest.approx(expected)


def test_gradient_flows_to_the_fake_prototypes():
    fake = [p.requires_grad_() for p in prototypes()]
    real, negative = prototypes(), prototypes()
    torch.autograd.gradcheck(
        lambda *f: GWCLLoss(loss_weight=1.0)(f, real, dict(easy=negative), dict(easy=5.0)), fake
    )


@pytest.mark.parametrize('decay', [0, 1.5])
def test_refuses_decay(decay):
    with pytest.raises(ValueError, match='decay must be in'):
        GWCLLoss(decay=decay)


def test_refuses_another_number_of_maps():
    with pytest.raises(ValueError, match='3 and of 2 maps'):
        prototype_distance(prototypes(), prototypes()[:2])


@pytest.mark.parametrize('loss_weight', [-1, math.nan, math.inf])
def test_refuses_loss_weight(loss_weight):
    with pytest.raises(ValueError, match=f'^loss_weight must be 0 or more, got {loss_weight}$'):
        GWCLLoss(loss_weight=loss_weight)
    assert GWCLLoss(loss_weight=0).loss_weight == 0
