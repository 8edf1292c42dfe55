import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmfncontra.models.gans.guarded_update import guarded_update


def linear():
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def wrap(model, optim=torch.optim.Adam, kind=OptimWrapper, fused=True, **kwargs):
    return kind(optimizer=optim(model.parameters(), lr=0.1, fused=fused), **kwargs)


def loss_of(model, seed, spoilt=False):
    inputs = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
    loss = model(inputs).square().mean()
    return loss + torch.nan if spoilt else loss


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize('counts', [1, 3])
@pytest.mark.parametrize('fused', [True, False])
def test_good_steps_are_mmengines(counts, fused):
    ours, theirs = linear(), linear()
    wrapper = wrap(ours, fused=fused, accumulative_counts=counts)
    plain = wrap(theirs, fused=fused, accumulative_counts=counts)
    for i in range(7):
        assert guarded_update(wrapper, loss_of(ours, i)) == 0
        plain.update_params(loss_of(theirs, i))
        assert torch.equal(weights(ours), weights(theirs))
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert (one.grad is None) == (other.grad is None)


@pytest.mark.parametrize('bad', [0, 1, 2])
@pytest.mark.parametrize('fused', [True, False])
def test_accumulated_gradients_are_dropped_with_the_bad_one(bad, fused):
    model, spared = linear(), linear()
    wrapper = wrap(model, fused=fused, accumulative_counts=3)
    plain = wrap(spared, fused=fused, accumulative_counts=3)
    before = weights(model)
    flags = [guarded_update(wrapper, loss_of(model, i, spoilt=i == bad)).item() for i in range(3)]
    assert flags == [float(i >= bad) for i in range(3)]
    assert torch.equal(weights(model), before)
    for i in range(3, 9):
        assert guarded_update(wrapper, loss_of(model, i)) == 0
        plain.update_params(loss_of(spared, i))
    assert torch.equal(weights(model), weights(spared))


def test_asked_to_skip():
    model = linear()
    wrapper = wrap(model)
    before = weights(model)
    assert guarded_update(wrapper, loss_of(model, 0), torch.ones(())) == 1
    assert torch.equal(weights(model), before)
    assert guarded_update(wrapper, loss_of(model, 0), torch.zeros(())) == 0
    assert not torch.equal(weights(model), before)
    assert not hasattr(wrapper.optimizer, 'found_inf')


@pytest.mark.parametrize('size', [1e18, 1e25])
def test_a_gradient_whose_square_overflows_is_not_finite(size):
    model = linear()
    wrapper = wrap(model)
    bad = guarded_update(wrapper, loss_of(model, 0) * size)
    assert bad == (size > 1e20)
    moments = [state['exp_avg_sq'] for state in wrapper.optimizer.state.values()]
    assert all(value.isfinite().all() for value in moments)


def test_the_norm_that_clipping_logs_is_not_that_of_a_skipped_step():
    model = linear()
    wrapper = wrap(model, clip_grad=dict(max_norm=1e-3))
    guarded_update(wrapper, loss_of(model, 0, spoilt=True))
    before = weights(model)
    guarded_update(wrapper, loss_of(model, 1))
    assert not torch.equal(weights(model), before) and weights(model).isfinite().all()


class Scaled(OptimWrapper):
    """What mmengine's ``AmpOptimWrapper``, which wants a GPU, does in float16."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=8.0)

    def backward(self, loss, **kwargs):
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs):
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()


@pytest.mark.parametrize('fused', [True, False])
def test_a_gradient_scaler_leaves_the_step_out(fused):
    model = linear()
    wrapper = wrap(model, kind=Scaled, fused=fused)
    before = weights(model)
    assert guarded_update(wrapper, loss_of(model, 0, spoilt=True)) == 1
    assert torch.equal(weights(model), before) and wrapper.loss_scaler.get_scale() == 4
    assert guarded_update(wrapper, loss_of(model, 1)) == 0
    assert not torch.equal(weights(model), before)
