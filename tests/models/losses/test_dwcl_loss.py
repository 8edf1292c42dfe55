import math
import re

import pytest
import torch
from commands import run_python
from plain_objectives import cosine

from mmfncontra.models.losses import ContrastiveObjective, DWCLLoss
from mmfncontra.registry import MODELS

LEVELS = ('easy', 'middle', 'hard')


def embeddings(batch=5, size=16, dtype=torch.float64):
    return {name: torch.randn(batch, size, dtype=dtype) for name in ('query', 'positive', *LEVELS)}


def plain_loop(query, positive, negatives, weights, temperature):
    total = 0.0
    for name, negative in negatives.items():
        for f, p, n in zip(query.tolist(), positive.tolist(), negative.tolist(), strict=True):
            up = math.exp(cosine(f, p) / temperature)
            down = math.exp(cosine(f, n) / temperature)
            total += -weights[name] * math.log(up / (up + down)) / len(query)
    return total


@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_equals_plain_loop(temperature):
    x = embeddings()
    negatives = {name: x[name] for name in LEVELS}
    weights = dict(easy=0.6, middle=0.3, hard=0.1)
    loss = DWCLLoss(temperature=temperature)(x['query'], x['positive'], negatives, weights)
    expected = plain_loop(x['query'], x['positive'], negatives, weights, temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_weights_as_tensor_or_dict_and_loss_weight():
    x = embeddings()
    negatives = {name: x[name] for name in LEVELS}
    as_dict = DWCLLoss()(x['query'], x['positive'], negatives, dict(easy=1, middle=2, hard=3))
    as_tensor = DWCLLoss(loss_weight=0.5)(
        x['query'], x['positive'], negatives, torch.tensor([1.0, 2.0, 3.0])
    )
    assert as_tensor.item() == pytest.approx(as_dict.item() / 2)


def test_gradient_against_finite_difference():
    x = embeddings(batch=2, size=4)
    negatives = {name: x[name] for name in LEVELS}
    query = x['query'].requires_grad_()
    torch.autograd.gradcheck(
        lambda q: DWCLLoss()(q, x['positive'], negatives, torch.ones(3)), (query,)
    )


def test_does_not_overflow_where_the_negative_is_identical():
    query = torch.randn(3, 8)
    loss = DWCLLoss(temperature=1e-3)(query, -query, dict(hard=query), dict(hard=1.0))
    assert loss.item() == pytest.approx(2 / 1e-3, rel=1e-4)


def test_half_precision_embeddings_are_compared_in_float32():
    x = embeddings(dtype=torch.float32)
    negatives = {name: x[name].bfloat16() for name in LEVELS}
    loss = DWCLLoss()(x['query'].bfloat16(), x['positive'].bfloat16(), negatives, torch.ones(3))
    assert loss.dtype == torch.float32


@pytest.mark.parametrize('temperature', [0, -1.0, float('nan')])
def test_refuses_temperature(temperature):
    with pytest.raises(ValueError, match='temperature must be positive'):
        DWCLLoss(temperature=temperature)


def test_refuses_missing_or_miscounted_weights():
    x = embeddings()
    negatives = {name: x[name] for name in LEVELS}
    with pytest.raises(ValueError, match=r"no entry for \['middle', 'hard'\]"):
        DWCLLoss()(x['query'], x['positive'], negatives, dict(easy=1.0))
    with pytest.raises(ValueError, match='one entry for each'):
        DWCLLoss()(x['query'], x['positive'], negatives, torch.ones(2))


def with_others(x, negatives, weights, temperature, past, batch):
    """The formula of the docstring, term by term."""
    query, positive = x['query'].tolist(), x['positive'].tolist()
    total = 0.0
    for name, negative in negatives.items():
        for i, f in enumerate(query):
            up = math.exp(cosine(f, positive[i]) / temperature)
            down = up + math.exp(cosine(f, negative[i].tolist()) / temperature)
            others = [p for j, p in enumerate(positive) if j != i] if batch else []
            for other in [*others, *past.tolist()]:
                down += math.exp(cosine(f, other) / temperature)
            total += -weights[name] * math.log(up / down) / len(query)
    return total


@pytest.mark.parametrize(('batch', 'queue'), [(True, 0), (False, 3), (True, 3)])
@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_other_images_equal_plain_loop(batch, queue, temperature):
    x = embeddings()
    negatives = {name: x[name] for name in LEVELS}
    weights = dict(easy=0.6, middle=0.3, hard=0.1)
    past = torch.randn(queue, 16, dtype=torch.float64)
    # A queue that is not full yet.
    kept = torch.cat([past, torch.zeros(2, 16, dtype=torch.float64)]) if queue else None
    loss = DWCLLoss(temperature, batch_negatives=batch, queue_size=queue and 5)(
        x['query'], x['positive'], negatives, weights, past=kept
    )
    expected = with_others(x, negatives, weights, temperature, past, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_gradient_through_other_images_against_finite_difference():
    x = embeddings(batch=3, size=4)
    negatives = {name: x[name] for name in LEVELS}
    loss = DWCLLoss(temperature=0.5, batch_negatives=True, queue_size=3)
    past = torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]], dtype=torch.float64)
    torch.autograd.gradcheck(
        lambda q, p: loss(q, p, negatives, torch.ones(3), past=past),
        (x['query'].requires_grad_(), x['positive'].requires_grad_()),
    )


def test_no_others_at_all_is_the_loss_without_them():
    x = {name: value[:1].requires_grad_() for name, value in embeddings().items()}
    negatives = {name: x[name] for name in LEVELS}
    arguments = (x['query'], x['positive'], negatives, torch.ones(3))
    alone = DWCLLoss(batch_negatives=True, queue_size=2)
    loss = alone(*arguments, past=torch.zeros(2, 16, dtype=torch.float64))
    plain = DWCLLoss()(*arguments)
    assert loss.item() == plain.item()
    for a, b in zip(torch.autograd.grad(loss, [*x.values()]),
                    torch.autograd.grad(plain, [*x.values()]), strict=True):  # fmt: skip
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [(dict(gather=True), 'nothing to gather'), (dict(queue_size=-1), 'queue_size must be')],
)
def test_refuses_others(arguments, said):
    with pytest.raises(ValueError, match=said):
        DWCLLoss(**arguments)


def test_needs_no_mmagic():
    code = (
        'import sys, mmfncontra.models.losses, mmfncontra.models.wavelets;'
        "sys.exit('mmagic' in sys.modules or 'mmagic.models' in sys.modules)"
    )
    assert run_python('-c', code).returncode == 0


OBJECTIVES = [
    dict(type='mmfncontra.InfoNCE'),
    dict(type='mmfncontra.DCL'),
    dict(type='mmfncontra.DCLW', sigma=0.3),
    dict(type='mmfncontra.DebiasedInfoNCE', class_prior=0.2, hardness=0.5),
]


@pytest.mark.parametrize('objective', OBJECTIVES, ids=lambda config: config['type'])
def test_is_its_objective_on_the_batch_and_the_queue(objective):
    x = embeddings()
    negatives = {name: x[name] for name in LEVELS}
    weights = dict(easy=0.6, middle=0.3, hard=0.1)
    past = torch.randn(6, 16, dtype=torch.float64)
    past[4:] = 0  # empty places
    loss = DWCLLoss(0.2, loss_weight=0.5, batch_negatives=True, queue_size=6, objective=objective)(
        x['query'], x['positive'], negatives, weights, past=past
    )
    expected = MODELS.build(dict(objective, temperature=0.2))(
        x['query'],
        x['positive'],
        negatives,
        weights,
        others=torch.cat([x['positive'], past[:4]]),
        is_other=torch.cat([~torch.eye(5, dtype=torch.bool), torch.ones(5, 4).bool()], dim=1),
    )
    assert loss.item() == pytest.approx(0.5 * expected.item(), rel=1e-12)


def test_without_levels_other_images_are_the_negatives():
    x = embeddings()
    loss = DWCLLoss(0.2, batch_negatives=True)(x['query'], x['positive'], {}, {})
    logits = torch.stack(
        [torch.cosine_similarity(query, x['positive']) / 0.2 for query in x['query'][:, None]]
    )
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(5))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    with pytest.raises(ValueError, match='InfoNCE needs negatives, got none'):
        DWCLLoss()(x['query'], x['positive'], {}, {})


def test_mixes_join_what_they_are_mixed_from():
    x = embeddings()
    negatives = {name: x[name] for name in LEVELS}
    mix = dict(type='mmfncontra.SyntheticNegatives', num=7, hardest=3)
    loss = DWCLLoss(0.2, batch_negatives=True, synthetic=mix)
    torch.manual_seed(3)
    value = loss(x['query'], x['positive'], negatives, torch.ones(3)).item()
    torch.manual_seed(3)
    is_other = ~torch.eye(5, dtype=torch.bool)
    mixes = loss.synthetic(x['query'], x['positive'], is_other)
    total = 0.0
    for level in LEVELS:
        for i, f in enumerate(x['query'].tolist()):
            rest = [p for j, p in enumerate(x['positive'].tolist()) if j != i]
            down = [cosine(f, n) for n in [x[level][i].tolist(), *rest, *mixes[i].tolist()]]
            up = math.exp(cosine(f, x['positive'][i].tolist()) / 0.2)
            total -= math.log(up / (up + sum(math.exp(s / 0.2) for s in down))) / 5
    assert value == pytest.approx(total, rel=1e-10)


def test_mixed_positives_leave_the_negatives_as_they_are():
    x = embeddings()
    loss = DWCLLoss(
        0.2, batch_negatives=True, mixing=dict(type='mmfncontra.FeatureMixing', share=(0.6, 0.6))
    )
    torch.manual_seed(3)
    value = loss(x['query'], x['positive'], {}, {}).item()
    torch.manual_seed(3)
    mixed = loss.mixing(x['positive'])
    is_other = ~torch.eye(5, dtype=torch.bool)
    expected = loss.objective(x['query'], mixed, others=x['positive'], is_other=is_other)
    assert value == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(objective=dict(type='mmfncontra.DebiasedInfoNCE')), 'corrects for negatives that'),
        (dict(synthetic=dict(type='mmfncontra.SyntheticNegatives')), 'mixes negatives that are'),
        (dict(objective=dict(type='mmfncontra.GWCLLoss')), 'must be a ContrastiveObjective'),
        (dict(objective=dict(type='mmfncontra.DCL', temperature=1.0)), 'give it as temperature'),
        (dict(objective='DCL'), 'objective must be a config such as'),
        (dict(objective=dict(sigma=0.3)), 'objective must have a type'),
        (dict(objective=dict(type=ContrastiveObjective)), 'must be a ContrastiveObjective such as'),
        (dict(loss_weight=-1.0), 'loss_weight must be 0 or more, got -1.0'),
        (dict(batch_negatives=5), 'batch_negatives must be True or False, got 5'),
        (
            dict(batch_negatives=True, mixing=dict(type='mmfncontra.SyntheticNegatives')),
            'mixing must act on embeddings, such as FeatureMixing, got SyntheticNegatives',
        ),
        (
            dict(batch_negatives=True, synthetic=dict(type='mmfncontra.FeatureMixing')),
            'synthetic must act on embeddings, such as SyntheticNegatives, got FeatureMixing',
        ),
        (dict(mixing='FeatureMixing'), 'mixing must be a config with a type'),
        (dict(mixing=dict(type='mmfncontra.RandomView')), 'mixing must act on embeddings'),
        (dict(temperature=0.0), 'temperature must be positive, got 0.0'),
        (dict(temperature=math.inf), 'temperature must be positive, got inf$'),
        (dict(temperature='hot'), "temperature must be a number, got 'hot'$"),
        (dict(loss_weight=math.inf), 'loss_weight must be 0 or more, got inf$'),
        (dict(objective={}), r"objective must have a type, as in dict\(type='DCL'\), got {}$"),
        (dict(synthetic={}), 'synthetic must be a config with a type, got {}$'),
        (dict(mixing={}), 'mixing must be a config with a type, got {}$'),
    ],
)
def test_refuses_parts_that_do_not_go_together(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        DWCLLoss(**arguments)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('shape', [(1, 16), (4, 16), (5, 1), (5, 17)])
@pytest.mark.parametrize('batch', [False, True])
def test_refuses_positives_of_another_shape(shape, batch):
    x = embeddings()
    message = f'positive must have the shape of query, (B, E), got {shape} and (5, 16)'
    with pytest.raises(ValueError, match=f'^{re.escape(message)}$'):
        DWCLLoss(batch_negatives=batch)(x['query'], torch.randn(shape), dict(easy=x['easy']))


def test_a_queue_needs_a_size():
    x = embeddings()
    with pytest.raises(ValueError, match='past needs a queue_size, got 7 embeddings without one'):
        DWCLLoss()(x['query'], x['positive'], dict(easy=x['easy']), None, past=torch.ones(7, 16))


def test_weights_are_ones_where_none_are_given():
    x = embeddings()
    arguments = x['query'], x['positive'], dict(easy=x['easy'], hard=x['hard'])
    assert torch.equal(DWCLLoss()(*arguments), DWCLLoss()(*arguments, torch.ones(2)))
