import math

import numpy as np
import pytest
import torch

from mmfncontra.models.contrasts import SelfInformationWeight, self_information


def test_reproduces_the_reference_trace(golden):
    trace = np.load(golden('dynamic_weight.npz'))
    weights = SelfInformationWeight()
    for cosines, information, weight in zip(
        trace['mean_cosine'], trace['self_information'], trace['weight'], strict=True
    ):
        cosines = torch.from_numpy(cosines)
        np.testing.assert_allclose(self_information(cosines).numpy(), information, atol=1e-9)
        np.testing.assert_allclose(weights.update(cosines).numpy(), weight, atol=1e-5)


def test_information_is_the_logarithm_of_the_probability():
    s = torch.tensor([-1.0, 0.2, 1.0], dtype=torch.float64)
    expected = [-math.log10(math.exp(-(1 - x))) for x in s.tolist()]
    assert self_information(s).tolist() == pytest.approx(expected)


def test_stays_at_init_without_updates_and_averages_from_it():
    assert SelfInformationWeight().weight.tolist() == [0.5] * 3
    weights = SelfInformationWeight(momentum=0.9, init=[0.1, 0.2, 0.3])
    weights.update(torch.zeros(3))
    expected = [0.9 * w + 0.1 / math.log(10) for w in (0.1, 0.2, 0.3)]
    assert weights.weight.tolist() == pytest.approx(expected)


def test_continues_from_a_state_dict():
    one = SelfInformationWeight()
    one.update(torch.tensor([0.1, 0.5, 0.9]))
    other = SelfInformationWeight()
    other.load_state_dict(one.state_dict())
    cosines = torch.tensor([0.2, 0.2, 0.2])
    assert one.update(cosines).tolist() == other.update(cosines).tolist()


@pytest.mark.parametrize(
    'arguments', [dict(momentum=1.0), dict(momentum=-0.1), dict(init=-1), dict(init=[0.5, 0.5])]
)
def test_refuses(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        SelfInformationWeight(**arguments)


def test_what_is_not_finite_moves_nothing():
    weights = SelfInformationWeight(momentum=0.5)
    weights.update(torch.full((3,), torch.nan))
    assert weights.weight.tolist() == [0.5] * 3 and not weights.started
    first = weights.update(torch.tensor([0.9, 0.5, 0.1])).clone()
    weights.update(torch.tensor([torch.nan, 0.5, 0.2]))
    assert weights.weight[0] == first[0] and weights.weight[2] != first[2]
