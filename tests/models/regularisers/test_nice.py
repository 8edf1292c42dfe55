import copy
import pickle

import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.regularisers import NICE


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 5, 3), nn.ReLU(inplace=True), nn.Flatten()
    )


def attached(net, **kwargs):
    nice = NICE(**{'layers': ['1', '2'], 'initial': 0.4, **kwargs})
    nice.attach(net)
    return nice


def noisy_features(net, images, beta):
    """Output of the second convolution, modulated by hand."""
    hidden = net[1](net[0](images))
    hidden = hidden + hidden * beta * torch.randn_like(hidden)
    features = nn.functional.conv2d(hidden, net[2].weight, net[2].bias)
    return features + features * beta * torch.randn_like(features)


def test_modulates_each_layer_with_noise_of_its_own():
    bare = network()
    net = copy.deepcopy(bare)
    attached(net)
    images = torch.randn(2, 3, 8, 8)
    torch.manual_seed(1)
    output = net(images)
    torch.manual_seed(1)
    expected = noisy_features(bare, images, 0.4)
    torch.testing.assert_close(output, expected.relu().flatten(1))
    assert not torch.equal(net(images), output)


def test_leaves_features_alone_without_gradient_in_eval_and_at_zero():
    bare, images = network(), torch.randn(2, 3, 8, 8)
    expected = bare(images)
    net = copy.deepcopy(bare)
    nice = attached(net)
    with torch.no_grad():
        assert torch.equal(net(images), expected)
    assert torch.equal(net.eval()(images), expected)
    nice.strength.value.zero_()
    assert torch.equal(net.train()(images), expected)


def test_losses_equal_the_formula_on_replayed_noise():
    bare = network()
    net = copy.deepcopy(bare)
    nice = attached(net, gamma=0.7)
    real, fake = torch.randn(2, 2, 3, 8, 8)
    torch.manual_seed(2)
    losses = {}
    for stream, images in (('real', real), ('fake', fake)):
        nice.enter(stream)
        net(images)
        with torch.no_grad():  # a contrast's views
            net(torch.zeros(2, 3, 8, 8))
        losses |= nice.penalty(net, images)
    torch.manual_seed(2)
    for stream, images in (('real', real), ('fake', fake)):
        one, other = (noisy_features(bare, images, 0.4) for _ in range(2))
        expected = 0.7 * sum((one - other).flatten().pow(2).tolist()) / one.numel()
        assert losses[f'loss_nice_{stream}'].item() == pytest.approx(expected, rel=1e-5)


def test_expectation_behind_one_layer():
    # f (1 + b e1) - f (1 + b e2) has variance 2 b² f².
    net = nn.Sequential(nn.Conv2d(3, 64, 1), nn.Flatten())
    nice = attached(net, layers=['0'], initial=0.5)
    images = torch.randn(4, 3, 32, 32)
    nice.enter('generator')
    net(images)
    loss = nice.penalty(net, images)['loss_nice_generator']
    with torch.no_grad():
        assert loss.item() == pytest.approx(0.5 * net[0](images).square().mean().item(), rel=0.02)


def test_gradient_equals_finite_differences():
    net = network().double()
    net[3] = nn.Tanh()
    nice = attached(net, layers=['1', '3'])
    images = torch.randn(1, 3, 6, 6, dtype=torch.float64, requires_grad=True)

    def loss(images):
        torch.manual_seed(0)
        nice.enter('generator')
        net(images)
        return nice.penalty(net, images)['loss_nice_generator']

    assert torch.autograd.gradcheck(loss, images)


def test_works_on_fastgan_inside_a_contrastive_wrap():
    net = FastGANDiscriminator(in_size=64, base_channels=4, decoders=False)
    nice = NICE(initial=0.3)
    nice.attach(net)
    net = ContrastiveDiscriminator(net, dict(type='mmfncontra.WaveletContrastiveHead'))
    modulated = [n for n, m in net.backbone.named_modules() if m._forward_hooks]
    assert sorted(modulated) == sorted(net.backbone.feature_taps[1:])
    real = torch.randn(2, 3, 64, 64)
    fake = [torch.randn(2, 3, 64, 64), torch.randn(2, 3, 32, 32)]
    nice.enter('real')
    net(real, embed=True, prototypes=True)
    loss = nice.penalty(net, real)['loss_nice_real']
    nice.enter('fake')
    net(fake)
    (loss + nice.penalty(net, fake)['loss_nice_fake']).backward()
    assert net.backbone.stem[0].weight_orig.grad.any()
    assert net.backbone.logits_small.weight_orig.grad is None

    net.requires_grad_(False)
    fake = [image.requires_grad_() for image in fake]
    nice.enter('generator')
    net(fake)
    nice.penalty(net, fake)['loss_nice_generator'].backward()
    assert fake[0].grad.any() and nice._features is None


def test_passes_further_arguments_on():
    class Conditional(nn.Linear):
        def forward(self, images, label=None):
            assert label is not None
            return super().forward(images) + label

    net = nn.Module()
    net.inner = Conditional(4, 4)
    net.forward = lambda images, label: net.inner(images, label=label)
    nice = attached(net, layers=['inner'])
    nice.enter('generator')
    images, label = torch.randn(2, 4), torch.ones(2, 1)
    net(images, label=label)
    assert nice.penalty(net, images, label=label)['loss_nice_generator'] > 0


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_the_model_reads_its_own_strength(duplicate):
    model = nn.ModuleDict(dict(net=network()))
    model['nice'] = attached(model['net'])
    other = duplicate(model)
    other['nice'].strength.value.zero_()
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(other['net'](images), other['net'](images))
    assert not torch.equal(model['net'](images), model['net'](images))


def test_discriminator_does_not_hold_the_regulariser():
    net = network()
    keys = list(net.state_dict())
    nice = attached(net)
    assert list(net.state_dict()) == keys
    assert len(list(net.modules())) == 6
    assert not list(nice.parameters())


def test_strength_follows_the_signs():
    nice = NICE(target=0.5, step=0.1, momentum=0.0)
    logs = nice.observe(torch.tensor(0.6), 8)
    assert logs['beta_nice'].item() == pytest.approx(0.1)
    nice.observe(torch.tensor(0.4), 8)
    assert nice.strength.value.item() == 0 and logs['beta_nice'].item() == pytest.approx(0.1)


def test_refuses_a_loss_before_the_pass():
    net = network()
    with pytest.raises(RuntimeError, match='enter'):
        attached(net).penalty(net, torch.zeros(1, 3, 8, 8))


def test_default_layers_of_any_discriminator():
    net = nn.Sequential(*(nn.Conv2d(3, 3, 4, 2, 1) for _ in range(3)))
    NICE().attach(net, in_size=32)
    assert [bool(module._forward_hooks) for module in net] == [False, True, True]


def test_refuses_layers():
    with pytest.raises(ValueError, match='name its submodules in layers'):
        NICE().attach(network(), in_size=8)
    with pytest.raises(ValueError, match=r"no submodule '7'; it has \['0', '1'"):
        NICE(layers=['7']).attach(network())
    with pytest.raises(ValueError, match=r"did you mean one of \['down_32'"):
        NICE(layers=['down32']).attach(FastGANDiscriminator(in_size=64, base_channels=4))
    with pytest.raises(ValueError, match='layers must be'):
        NICE(layers='down_32')
    with pytest.raises(ValueError, match='gamma must be'):
        NICE(gamma=0.0)
