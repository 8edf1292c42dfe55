import math

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS as ROOT
from mmengine.registry import DefaultScope, Registry

from mmfncontra.models.losses import RestorationContrastLoss
from mmfncontra.registry import MODELS

SHAPES = ((3, 4, 5, 6), (3, 7, 2, 3))


def maps(dtype=torch.float64):
    return [torch.randn(shape, dtype=dtype) for shape in SHAPES]


def similarity(a, b):
    """Mean over places of the cosine of two vectors, image by image."""
    found = []
    for first, second in zip(a.numpy(), b.numpy(), strict=True):
        total = 0.0
        for row in range(first.shape[1]):
            for column in range(first.shape[2]):
                u, v = first[:, row, column], second[:, row, column]
                total += np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v)
        found.append(total / first[0].size)
    return found


def terms_by_loop(restored, positives, negatives, term):
    found = []
    for layer, anchor in enumerate(restored):
        to_negatives = [similarity(anchor, negative[layer]) for negative in negatives]
        for positive in positives:
            for image, up in enumerate(similarity(anchor, positive[layer])):
                found.append(term(up, [down[image] for down in to_negatives]))
    return sum(found) / len(found)


@pytest.mark.parametrize('temperature', [0.1, 1.0])
def test_equals_plain_loop(temperature):
    restored, positives, negatives = maps(), [maps(), maps()], [maps(), maps(), maps()]

    def info_nce(up, downs):
        up = math.exp(up / temperature)
        return -math.log(up / (up + sum(math.exp(down / temperature) for down in downs)))

    loss = RestorationContrastLoss(temperature, loss_weight=0.3)(restored, positives, negatives)
    expected = 0.3 * terms_by_loop(restored, positives, negatives, info_nce)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_another_objective_takes_the_place_of_info_nce():
    restored, positives, negatives = maps(), [maps()], [maps(), maps()]

    def decoupled(up, downs):
        return -up / 0.5 + math.log(sum(math.exp(down / 0.5) for down in downs))

    loss = RestorationContrastLoss(0.5, objective=dict(type='mmfncontra.DCL'))
    expected = terms_by_loop(restored, positives, negatives, decoupled)
    assert loss(restored, positives, negatives).item() == pytest.approx(expected, rel=1e-10)


def test_gradient_against_finite_difference():
    positives, negatives = [maps()], [maps(), maps()]
    loss = RestorationContrastLoss()
    restored = [x.requires_grad_() for x in maps()]
    assert torch.autograd.gradcheck(
        lambda *anchors: loss(anchors, positives, negatives), tuple(restored)
    )


def test_a_step_moves_towards_the_positive():
    restored, sharp, blurred = maps(), maps(), maps()
    anchors = [x.requires_grad_() for x in restored]
    RestorationContrastLoss()(anchors, [sharp], [blurred]).backward()
    moved = [x.detach() - 0.1 * x.grad for x in anchors]
    for before, after, up, down in zip(restored, moved, sharp, blurred, strict=True):
        before = before.detach()
        assert sum(similarity(after, up)) > sum(similarity(before, up))
        assert sum(similarity(after, down)) < sum(similarity(before, down))


def test_half_precision_is_compared_in_float32():
    restored, sharp, blurred = (maps(torch.bfloat16) for _ in range(3))
    loss = RestorationContrastLoss()(restored, [sharp], [blurred])
    wide = [[x.float() for x in each] for each in (restored, sharp, blurred)]
    assert loss.dtype == torch.float32
    assert loss.item() == RestorationContrastLoss()(wide[0], [wide[1]], [wide[2]]).item()


def test_is_built_by_prefix_in_the_scope_of_another_project():
    Registry('model', parent=ROOT, scope='another_project')
    with DefaultScope.overwrite_default_scope('another_project'):
        loss = MODELS.build(
            dict(type='mmfncontra.RestorationContrastLoss', objective=dict(type='mmfncontra.DCLW'))
        )
        plain = MODELS.build(dict(type='mmfncontra.RestorationContrastLoss', temperature=0.2))
    assert type(loss.objective).__name__ == 'DCLW'
    assert type(plain.objective).__name__ == 'InfoNCE'
    assert plain.objective.temperature == 0.2


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(temperature=0), 'temperature must be positive, got 0'),
        (dict(temperature=math.nan), 'temperature must be positive, got nan'),
        (dict(loss_weight=-1.0), 'loss_weight must be 0 or more, got -1.0'),
        (
            dict(objective=dict(type='mmfncontra.DCL', temperature=1)),
            'objective has the temperature of the loss',
        ),
        (dict(objective=dict(type='mmfncontra.DebiasedInfoNCE')), 'got DebiasedInfoNCE, which'),
        (dict(objective=dict(type='mmfncontra.DWCLLoss')), 'got DWCLLoss'),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        RestorationContrastLoss(**arguments)


@pytest.mark.parametrize(
    ('restored', 'positives', 'negatives', 'message'),
    [
        ([], [[]], [[]], 'restored must have the feature map of one layer'),
        ([torch.ones(1, 2, 3, 3)], [], [[torch.ones(1, 2, 3, 3)]], 'positives must hold'),
        ([torch.ones(1, 2, 3, 3)], [[torch.ones(1, 2, 3, 3)]], [], 'negatives must hold'),
        (
            [torch.ones(1, 2, 3, 3)],
            [[torch.ones(1, 2, 3, 3)]],
            [[torch.ones(1, 2, 3, 3)], [torch.ones(1, 2, 3, 4)]],
            r'negatives\[1\] must have the shapes \[\(1, 2, 3, 3\)\]',
        ),
    ],
)
def test_refuses_maps(restored, positives, negatives, message):
    with pytest.raises(ValueError, match=message):
        RestorationContrastLoss()(restored, positives, negatives)
