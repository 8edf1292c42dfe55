import pytest
import torch

from mmfncontra.models.augments import APA


@pytest.fixture
def batch():
    return torch.randn(400, 3, 2, 2), torch.randn(400, 3, 2, 2)


def test_each_row_is_the_real_or_the_fake_of_that_row(batch):
    real, fake = batch
    mixed = APA(initial=0.3)(real, fake)
    swapped = 0
    for row in range(400):
        if torch.equal(mixed[row], fake[row]):
            swapped += 1
        else:
            assert torch.equal(mixed[row], real[row])
    assert swapped == pytest.approx(120, abs=4 * (400 * 0.3 * 0.7) ** 0.5)


def test_nothing_is_replaced_at_zero(batch):
    real, fake = batch
    assert torch.equal(APA()(real, fake), real)


def test_takes_the_full_size_of_a_list_and_cuts_its_gradient(batch):
    real, fake = batch
    fake = fake.half().requires_grad_()
    mixed = APA(initial=0.5)(real, [fake, fake[:, :, :1, :1]])
    assert mixed.dtype == real.dtype and not mixed.requires_grad


def test_probability_rises_above_the_target_and_stops_at_the_maximum():
    apa = APA(target=0.6, kimg=0.1, interval=2, maximum=0.8)
    expected, trace = 0.0, []
    for call, sign in enumerate([0.7] * 8 + [0.5] * 4):
        logs = apa.observe(torch.tensor(sign), 10)
        if call % 2:  # 20 images of a horizon of 100
            expected = min(max(expected + (0.2 if sign > 0.6 else -0.2), 0.0), 0.8)
        trace.append(logs['p_apa'].item())
        assert trace[-1] == pytest.approx(expected, abs=1e-6)
    assert max(trace) == pytest.approx(0.8) and trace[-1] == pytest.approx(0.4)


def test_the_log_is_a_copy():
    apa = APA(kimg=0.1, interval=1)
    before = apa.observe(torch.ones(()), 10)['p_apa']
    apa.observe(torch.ones(()), 10)
    assert before.item() == pytest.approx(0.1)


def test_probability_is_saved():
    assert APA(initial=0.25).state_dict()['strength.value'] == 0.25


@pytest.mark.parametrize('maximum', [0.0, 1.0])
def test_refuses_maximum(maximum):
    with pytest.raises(ValueError, match='maximum must be'):
        APA(maximum=maximum)


def test_refuses_other_shapes(batch):
    real, fake = batch
    with pytest.raises(ValueError, match='fake must have the shape'):
        APA()(real, fake[:1])
