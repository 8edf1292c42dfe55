import pytest
import torch

from mmfncontra.models.layers import AdaptiveStrength


def oracle(signs, images, target, interval, step=None, kimg=None, maximum=1.0, momentum=0.0):
    """(value, heuristic) after every observation, in plain Python."""
    value = heuristic = 0.0
    window, trace = [], []
    for sign in signs:
        window.append(sign)
        if len(window) == interval:
            mean = sum(window) / interval
            heuristic = momentum * heuristic + (1 - momentum) * mean
            move = step if kimg is None else images * interval / (1000 * kimg)
            value += move * ((heuristic > target) - (heuristic < target))
            value = min(max(value, 0.0), maximum)
            window = []
        trace.append((value, heuristic))
    return trace


@pytest.mark.parametrize(
    'arguments',
    [
        dict(target=0.6, interval=4, kimg=0.1, maximum=0.8),
        dict(target=0.5, interval=1, step=0.01, momentum=0.9),
        dict(target=0.0, interval=3, step=0.3),
    ],
)
def test_trace_on_scripted_signs(arguments):
    signs = torch.cat([torch.rand(40) * 0.5 + 0.5, torch.rand(40) - 0.5, torch.ones(200)]).tolist()
    strength = AdaptiveStrength(**arguments)
    trace = []
    for sign in signs:
        strength.observe(torch.tensor(sign), 8)
        trace.append((strength.value.item(), strength.heuristic.item()))
    expected = oracle(signs, 8, **arguments)
    assert [v for v, _ in trace] == pytest.approx([v for v, _ in expected], abs=1e-5)
    assert [h for _, h in trace] == pytest.approx([h for _, h in expected], abs=1e-5)
    assert trace[-1][0] == pytest.approx(arguments.get('maximum', 1.0))


def test_all_of_it_is_saved():
    one, other = (AdaptiveStrength(0.6, step=0.1, interval=3) for _ in range(2))
    for _ in range(4):
        one.observe(torch.ones(()), 8)
    other.load_state_dict(one.state_dict())
    for _ in range(2):
        one.observe(torch.ones(()), 8)
        other.observe(torch.ones(()), 8)
    assert one.value == other.value and one.value.item() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(target=1.0, step=1), r'target must be in \(-1, 1\), got 1.0'),
        (dict(target=0.5), 'give one of kimg and step, got kimg=None and step=None'),
        (dict(target=0.5, kimg=1, step=1), 'give one of kimg and step'),
        (dict(target=0.5, step=0), 'step must be positive, got 0'),
        (dict(target=0.5, step=1, initial=2), r'initial must be in \[0, 1.0\], got 2'),
        (dict(target=0.5, step=1, momentum=1), r'momentum must be in \[0, 1\), got 1'),
        (dict(target=0.5, step=1, interval=0), 'interval must be a positive integer, got 0'),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveStrength(**arguments)
