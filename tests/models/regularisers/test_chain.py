import copy

import numpy as np
import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANBigDiscriminator, FastGANDiscriminator
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.layers import ChainNorm
from mmfncontra.models.regularisers import CHAIN
from mmfncontra.registry import MODELS

BIG = dict(in_size=64, base_channels=4, decoders=False)


def toy(channels=4):
    return nn.Sequential(nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels), nn.ReLU())


def attached(discriminator, p=0.0, **kwargs):
    chain = CHAIN(**kwargs)
    chain.attach(discriminator)
    chain.strength.value.fill_(p)
    return chain


def layers(module):
    return {name: m for name, m in module.named_modules() if isinstance(m, ChainNorm)}


def step(chain, discriminator, real, fake):
    """The discriminator's step as the GAN makes it."""
    logits, losses = [], []
    for stream, images in dict(real=real, fake=fake).items():
        chain.enter(stream)
        logits.append(discriminator(images))
        losses.append(chain.penalty(discriminator, images)['loss_0mr'])
    chain.enter('real')
    with torch.no_grad():
        discriminator(-real)
    return (*logits, sum(losses))


def test_slots_are_taken():
    discriminator = FastGANBigDiscriminator(in_size=256, base_channels=8)
    attached(discriminator, form='batch', decay=0.5)
    found = layers(discriminator)
    assert set(found) == set(discriminator.norm_slots) and len(found) == 15
    for name, layer in found.items():
        assert layer.num_features == discriminator.norm_slots[name]
        assert (layer.form, layer.decay) == ('batch', 0.5)
    assert any(isinstance(m, nn.BatchNorm2d) for m in discriminator.decoder_last.modules())


def test_batch_norms_are_replaced_except_in_decoders():
    def batch_norms(module):
        return {n: m for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)}

    discriminator = FastGANDiscriminator(in_size=64, base_channels=4)
    before = batch_norms(discriminator)
    attached(discriminator)
    kept = [name for name in before if name.startswith('decoder')]
    assert list(batch_norms(discriminator)) == kept and kept
    found = layers(discriminator)
    assert set(found) == set(before) - set(kept)
    assert all(m.num_features == before[name].num_features for name, m in found.items())
    assert 'down_32.main.1' in found and 'small.2.1' in found and 'logits_big.1' in found
    logits, reconstructions, _ = discriminator(torch.rand(2, 3, 64, 64), decode=True)
    (logits.sum() + sum(map(torch.sum, reconstructions))).backward()


@pytest.mark.parametrize('form', ['batch', 'cumulative'])
@pytest.mark.parametrize('network', [FastGANDiscriminator, FastGANBigDiscriminator])
def test_0mr_by_plain_loops(network, form):
    discriminator = network(**BIG)
    chain = attached(discriminator, p=0.3, form=form, weight=5.0, offset=0.2)
    inputs = []
    for layer in layers(discriminator).values():
        layer.register_forward_pre_hook(
            lambda module, args: inputs.append(args[0].clone()) if torch.is_grad_enabled() else None
        )
    real, fake = torch.randn(2, 3, 3, 64, 64)
    *logits, loss = step(chain, discriminator, real, fake)
    wanted = 0.0
    for x in inputs:
        for c in range(x.shape[1]):
            wanted += x[:, c].mean().item() ** 2
    assert len(inputs) == 2 * len(layers(discriminator))
    assert loss.item() == pytest.approx(5 * (0.3 + 0.2) * wanted, rel=1e-4)

    (logits[1].mean() - logits[0].mean() + loss).backward()
    used = [p for n, p in discriminator.named_parameters()]
    assert all(torch.isfinite(p.grad).all() for p in used)
    if form == 'cumulative':
        for layer in layers(discriminator).values():
            assert layer.projection[:2].any(1).all() and not layer.projection[2].any()


def test_terms_belong_to_one_step():
    discriminator = FastGANBigDiscriminator(**BIG)
    chain = attached(discriminator, p=1.0)
    real, fake = torch.randn(2, 2, 3, 64, 64)
    losses = []
    for _ in range(2):
        discriminator.zero_grad()
        *logits, loss = step(chain, discriminator, real, fake)
        (logits[1].mean() - logits[0].mean() + loss).backward()
        chain.enter('generator')
        images = fake.clone().requires_grad_()
        discriminator(images).mean().backward()
        assert images.grad.abs().sum() > 0
        assert chain.penalty(discriminator, images) == {}
        losses.append(loss.item())
    assert all(np.isfinite(losses))
    assert not any(layer.zero_mean for layer in layers(discriminator).values())


def test_trace_of_p(golden):
    reference = np.load(golden('chain.npz'))
    chain = attached(toy())
    chain.strength.value.fill_(0.2)
    trace = []
    for logits in torch.from_numpy(reference['p_logits']):
        logged = chain.observe(logits.sign().mean(), len(logits))
        trace.append((logged['p_chain'].item(), chain.strength.heuristic.item()))
    np.testing.assert_allclose(trace, reference['p_trace'], atol=1e-5)


def test_p_stays_in_its_range_and_reaches_the_layers():
    discriminator = toy()
    chain = attached(discriminator, step=0.4)
    seen = []
    for sign in [-1.0] + 20 * [1.0]:
        logged = chain.observe(torch.tensor(sign), 8)
        chain.enter('real')
        assert torch.equal(discriminator[1].strength, logged['p_chain'])
        seen.append(round(logged['p_chain'].item(), 4))
    assert seen[0] == 0 and seen[-1] == 1 and sorted(seen) == seen


def test_state_round_trip():
    def made():
        discriminator = FastGANBigDiscriminator(**BIG)
        return discriminator, attached(discriminator)

    discriminator, chain = made()
    chain.strength.value.fill_(0.6)
    *logits, loss = step(chain, discriminator, *torch.randn(2, 2, 3, 64, 64))
    (logits[0].mean() - logits[1].mean() + loss).backward()
    state, chain_state = discriminator.state_dict(), chain.state_dict()
    assert set(chain_state) == {'strength.value', 'strength.heuristic', 'strength.window'}
    assert not any('strength' in name for name in state)
    assert sum('mean_square' in name for name in state) == 9

    other, other_chain = made()
    other.load_state_dict(state)
    other_chain.load_state_dict(chain_state)
    other_chain.enter('fake')
    for name, layer in layers(other).items():
        assert torch.equal(layer.mean_square, layers(discriminator)[name].mean_square)
        assert layer.strength.item() == pytest.approx(0.6)


def test_copies_and_wrappers():
    """The layers go where the discriminator goes."""
    model = nn.ModuleDict(dict(discriminator=FastGANBigDiscriminator(**BIG), chain=CHAIN()))
    model['chain'].attach(model['discriminator'])
    assert not any(name.startswith('chain.') and 'norm' in name for name in model.state_dict())
    twin = copy.deepcopy(model)
    twin['chain'].strength.value.fill_(1.0)
    twin['chain'].enter('fake')
    assert all(layer.strength == 1 for layer in layers(twin['discriminator']).values())
    assert all(layer.strength == 0 for layer in layers(model['discriminator']).values())

    wrapped = ContrastiveDiscriminator(model['discriminator'], dict(type='WaveletContrastiveHead'))
    loss = step(model['chain'], wrapped, *torch.randn(2, 2, 3, 64, 64))[2]
    assert loss > 0


@pytest.mark.parametrize('network', [FastGANDiscriminator, FastGANBigDiscriminator])
def test_gradient_penalty_through_the_batch_form(network):
    discriminator = network(**BIG)
    chain = attached(discriminator, p=0.5, form='batch')
    x = torch.randn(2, 3, 64, 64, requires_grad=True)
    chain.enter('real')
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert all(
        torch.isfinite(p.grad).all() for p in discriminator.parameters() if p.grad is not None
    )


def test_half_precision_step():
    discriminator = FastGANBigDiscriminator(**BIG)
    chain = attached(discriminator, p=0.5)
    with torch.autocast('cpu', torch.bfloat16):
        *logits, loss = step(chain, discriminator, *torch.randn(2, 2, 3, 64, 64))
    assert loss.dtype == torch.float32
    (logits[0].float().mean() + loss).backward()


def test_registered():
    assert isinstance(MODELS.build(dict(type='CHAIN', form='batch')), CHAIN)


def test_refused_discriminators():
    with pytest.raises(ValueError, match=r'no place in Sequential: it needs .*nn\.BatchNorm2d'):
        CHAIN().attach(nn.Sequential(nn.Conv2d(3, 4, 3)))
    discriminator = FastGANBigDiscriminator(**BIG)
    attached(discriminator)
    with pytest.raises(ValueError, match=r"must name nn\.Identity .*'down_32\.norm_1'.*ChainNorm"):
        CHAIN().attach(discriminator)


def test_refused_without_a_pass():
    discriminator = toy()
    chain = attached(discriminator)
    discriminator(torch.randn(2, 3, 8, 8))  # not entered
    with pytest.raises(RuntimeError, match='measured no pass'):
        chain.penalty(discriminator, None)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(form='running'), "form must be one of .* got 'running'"),
        (dict(weight=0.0), 'weight must be positive, got 0.0'),
        (dict(offset=-0.1), 'offset must be 0 or more, got -0.1'),
        (dict(target=1.0), r'target must be in \(-1, 1\), got 1.0'),
        (dict(step=0.0), 'step must be positive, got 0.0'),
        (dict(momentum=1.0), r'momentum must be in \[0, 1\), got 1.0'),
        (dict(decay=-0.5), r'decay must be in \[0, 1\), got -0.5'),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        CHAIN(**arguments)
