import pytest
import torch

from mmfncontra.models.losses import LeCamLoss


def test_equals_loop_over_calls():
    loss = LeCamLoss(loss_weight=0.3, decay=0.9, warmup=2)
    alpha_real = alpha_fake = None
    for call in range(5):
        real, fake = torch.randn(4, 3) + 1, torch.randn(4, 3) - 1
        value = loss(real_logits=real, fake_logits=fake)
        reals, fakes = real.flatten().tolist(), fake.flatten().tolist()
        mean_real, mean_fake = sum(reals) / 12, sum(fakes) / 12
        if call == 0:
            alpha_real, alpha_fake = mean_real, mean_fake
        else:
            alpha_real = 0.9 * alpha_real + 0.1 * mean_real
            alpha_fake = 0.9 * alpha_fake + 0.1 * mean_fake
        expected = sum((x - alpha_fake) ** 2 for x in reals) / 12
        expected += sum((x - alpha_real) ** 2 for x in fakes) / 12
        assert value.item() == pytest.approx(0.3 * expected if call >= 2 else 0.0, rel=1e-5)
    assert loss.alpha_real.item() == pytest.approx(alpha_real, rel=1e-5)
    assert loss.alpha_fake.item() == pytest.approx(alpha_fake, rel=1e-5)


def test_averages_are_constants_to_the_gradient():
    loss = LeCamLoss(loss_weight=1.0, decay=0.5, warmup=0)
    loss(real_logits=torch.full((2, 1), 3.0), fake_logits=torch.full((2, 1), -1.0))
    real = torch.tensor([[1.0], [2.0]], requires_grad=True)
    fake = torch.tensor([[0.0], [-2.0]], requires_grad=True)
    loss(real_logits=real, fake_logits=fake).backward()
    # alpha_real = (3 + 1.5) / 2 and alpha_fake = (-1 - 1) / 2; derivatives 2 (x - alpha) / 2
    assert real.grad.flatten().tolist() == [2.0, 3.0]
    assert fake.grad.flatten().tolist() == [-2.25, -4.25]


def test_warm_up_gives_no_gradient_and_state_is_saved():
    loss = LeCamLoss(warmup=1)
    real = torch.randn(4, 1, requires_grad=True)
    loss(real_logits=real, fake_logits=torch.randn(4, 1)).backward()
    assert not real.grad.any()
    other = LeCamLoss(warmup=1)
    other.load_state_dict(loss.state_dict())
    batch = dict(real_logits=torch.randn(4, 1), fake_logits=torch.randn(4, 1))
    assert loss(**batch) == other(**batch) > 0


def test_averages_are_those_of_all_ranks(monkeypatch):
    def other_rank_has_five_and_seven(means, op):
        assert op == 'mean'
        means.add_(torch.tensor([5.0, 7.0])).div_(2)

    monkeypatch.setattr(
        'mmfncontra.models.losses.lecam_loss.all_reduce', other_rank_has_five_and_seven
    )
    loss = LeCamLoss(loss_weight=1.0, warmup=0)
    value = loss(real_logits=torch.ones(2, 1), fake_logits=torch.ones(2, 1))
    assert (loss.alpha_real, loss.alpha_fake) == (3, 4)
    assert value == (1 - 4) ** 2 + (1 - 3) ** 2


@pytest.mark.parametrize('argument', [dict(decay=1.0), dict(decay=-0.1), dict(warmup=-1)])
def test_refuses(argument):
    with pytest.raises(ValueError, match=f'{next(iter(argument))} must be'):
        LeCamLoss(**argument)
