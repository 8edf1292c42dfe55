"""A step whose loss or gradient is not finite leaves nothing behind."""

from functools import partial
from importlib.util import find_spec

import pytest
import torch
from faulty_gan import build, changed, state, step
from gan_configs import CONTRAST, PLAIN_FASTGAN, PROJECTED
from mmengine.dist import get_rank
from mmengine.model import MMSeparateDistributedDataParallel
from mmengine.registry import init_default_scope
from optimisers import optimisers
from two_ranks import on_two_ranks

from mmfncontra.engine import AutocastOptimWrapper
from mmfncontra.models.gans import MovingAverage

pytestmark = pytest.mark.usefixtures('default_scope')
optimisers = partial(optimisers, lr=1e-2, fused=True)
OPTIMISERS = dict(
    adam=optimisers,
    adamw=partial(optimisers, kind=torch.optim.AdamW),
    amsgrad=partial(optimisers, amsgrad=True),
    unfused=partial(optimisers, fused=False),
    sgd=partial(optimisers, kind=torch.optim.SGD, momentum=0.9, fused=False),
    fused_sgd=partial(optimisers, kind=torch.optim.SGD, momentum=0.9),
    autocast=partial(optimisers, wrapper=AutocastOptimWrapper),
    clipped=partial(
        optimisers, wrapped=dict(clip_grad=dict(max_norm=1.0, error_if_nonfinite=True))
    ),
)


@pytest.mark.parametrize('name', OPTIMISERS)
@pytest.mark.parametrize('first', [0, 2])
def test_nothing_is_left_of_a_bad_step_of_the_discriminator(name, first):
    """Nor in the steps after it: they are those of a run that never saw the batch."""
    model = build()
    optim = OPTIMISERS[name](model)
    spared = build()
    spared_optim = OPTIMISERS[name](spared)
    for i in range(first):
        assert step(model, optim, i)['skipped'] == 0
        step(spared, spared_optim, i)
    before = state(model, optim)
    for i, kind in enumerate(['nan', 'inf', 'gradient', 'overflow'], 10):
        assert step(model, optim, i, disc=kind)['skipped'] == 1
        kept = state(model, optim)
        # The first step starts the average, from the weights as they are.
        assert set(changed(before, kept)) <= ({'generator_ema.steps'} if not first else set())
        assert all(p.grad is None for p in model.parameters())
    for i in range(20, 23):
        assert step(model, optim, i)['skipped'] == 0
        step(spared, spared_optim, i)
    one, other = state(model, optim), state(spared, spared_optim)
    assert one.keys() == other.keys() and not changed(one, other)
    assert len(changed(before, one)) > 25


@pytest.mark.parametrize('kind', ['nan', 'gradient'])
@pytest.mark.parametrize('name', ['adam', 'sgd'])
def test_a_bad_step_of_the_generator_leaves_it_and_all_buffers_alone(name, kind):
    model = build()
    optim = OPTIMISERS[name](model)
    for i in range(2):
        step(model, optim, i)
    before = state(model, optim)
    logs = step(model, optim, 2, gen=kind)
    assert logs['skipped'] == 1 and logs['loss_disc'].isfinite()
    moved = changed(before, state(model, optim))
    assert moved and all(key.startswith('discriminator.') for key in moved)
    buffers = dict(model.named_buffers())
    assert not [key for key in moved if key in buffers]
    assert step(model, optim, 3)['skipped'] == 0
    assert all(value.isfinite().all() for value in state(model, optim).values())


def test_averages_of_mmengine_stay_too():
    model = build(ema_config=dict(type='mmagic.ExponentialMovingAverage', momentum=0.1))
    assert not isinstance(model.generator_ema, MovingAverage)
    optim = optimisers(model)
    step(model, optim, 0)
    before = state(model, optim)
    step(model, optim, 1, gen='nan')
    assert not [n for n in changed(before, state(model, optim)) if n.startswith('generator_ema')]
    step(model, optim, 2)
    assert [n for n in changed(before, state(model, optim)) if n.startswith('generator_ema')]


REGULARISED = dict(
    **PLAIN_FASTGAN,
    contrast=CONTRAST,
    pseudo_real=dict(type='APA', initial=0.5),
    regularisers=dict(nice=dict(type='NICE'), chain=dict(type='CHAIN')),
)
PENALISED = dict(
    disc_auxiliary_losses=dict(r1=dict(type='R1Penalty')), ema_config=dict(type='HalfLifeEMA')
)

KINDS = dict(fastgan=REGULARISED, penalised=PENALISED)
if find_spec('timm'):  # else the extra pretrained is not installed
    KINDS['projected'] = dict(**PROJECTED, contrast=CONTRAST, ema_config=dict(type='HalfLifeEMA'))


@pytest.mark.parametrize('parts', KINDS.values(), ids=KINDS)
def test_whatever_counts_or_averages_is_as_it_was(parts):
    model = build(**parts)
    optim = optimisers(model)
    step(model, optim, 0)
    before = state(model, optim)
    for i, fault in enumerate([dict(disc='nan'), dict(gen='gradient')], 1):
        step(model, optim, i, **fault)
        moved = changed(before, state(model, optim))
        disc = {key for key in moved if key.startswith('discriminator.')}
        assert set(moved) == disc and not disc & set(dict(model.named_buffers()))
        assert bool(disc) == (i == 2)
    step(model, optim, 3)
    after = state(model, optim)
    assert all(value.isfinite().all() for value in after.values())
    assert {'generator', 'discriminator', 'generator_ema'} <= {
        key.partition('.')[0] for key in changed(before, after)
    }


def _train_a_rank():
    init_default_scope('mmfncontra')
    model = build()
    wrapped = MMSeparateDistributedDataParallel(model)
    optim = optimisers(wrapped.module)
    rank, skipped, states = get_rank(), [], []
    faults = [{}, dict(disc='nan'), dict(gen='inf'), dict(disc='gradient'), {}]
    for i, fault in enumerate(faults):
        # A constant beside the loss: the gradients of both ranks are finite.
        skipped.append(step(wrapped, optim, 2 * i + rank, **(fault if rank else {}))['skipped'])
        states.append(dict(wrapped.module.named_parameters()) | {'_': torch.zeros(1)})
        states[-1] = {name: value.detach().clone() for name, value in states[-1].items()}
    return skipped, states


def test_ranks_agree(tmp_path):
    (skipped, states), (others, other_states) = on_two_ranks(
        _train_a_rank, folder=tmp_path, method='spawn'
    )
    assert torch.stack(skipped).tolist() == torch.stack(others).tolist() == [0, 1, 1, 1, 0]
    for one, other in zip(states, other_states, strict=True):
        assert not changed(one, other)
    assert not changed(states[0], states[1]) and not changed(states[2], states[3])
    assert changed(states[3], states[4])


@pytest.mark.gpu
@pytest.mark.parametrize('fused', [True, False])
@pytest.mark.parametrize('accelerate', [None, 'cuda_graphs'])
def test_the_same_on_a_gpu(accelerate, fused):
    model = build(accelerate=accelerate, **PLAIN_FASTGAN).cuda()
    # A fault that is on the device, so that a recorded step has it too.
    model.fault = torch.zeros((), device='cuda')
    model.adversarial_loss.disc.forward = lambda loss: loss.where(model.fault == 0, torch.nan)
    optim = optimisers(model, fused=fused)
    for i in range(8):
        step(model, optim, i)
    before = state(model, optim)
    model.fault.fill_(1)
    assert step(model, optim, 8)['skipped'].item() == 1
    assert not changed(before, state(model, optim))
    model.fault.fill_(0)
    assert step(model, optim, 9)['skipped'].item() == 0
    assert changed(before, state(model, optim))
    if accelerate:
        assert model._acceleration.graphs._graphs
        model.forget_recorded_steps()
        assert not model._acceleration.graphs._graphs
