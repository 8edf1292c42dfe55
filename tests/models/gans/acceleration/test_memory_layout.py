import copy

import pytest
import torch
from gan_configs import CONTRAST, FASTGAN, STYLEGAN2
from optimisers import optimisers
from torch import nn

from mmfncontra.models.gans import LimitedDataGAN
from mmfncontra.models.gans.acceleration.memory_layout import follow_layout, lay_out_channels_last
from mmfncontra.models.pretrained import FrozenNetwork
from mmfncontra.models.sampling import copy_generator, sample_images

pytestmark = pytest.mark.usefixtures('default_scope')


def gan(**changes):
    torch.manual_seed(0)
    return LimitedDataGAN(
        **FASTGAN,
        disc_auxiliary_losses=dict(rec=dict(type='WaveletL1Loss', levels=2)),
        augment=dict(type='ADA', categories='bgcfnc', initial=0.5),
        contrast=CONTRAST,
        ema_config=dict(momentum=0.1),
        **changes,
    ).train()


def test_channels_last_equals_contiguous():
    runs = []
    for channels_last in (False, True):
        model = gan(channels_last=channels_last)
        optim = optimisers(model, torch.optim.SGD)
        torch.manual_seed(1)
        data = dict(inputs=torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8))
        logs = model.train_step(data, optim)
        runs.append((model, logs))
    (plain, expected), (ours, logs) = runs
    for name in logs:
        torch.testing.assert_close(logs[name], expected[name], rtol=1e-3, atol=1e-4)
    weight = ours.discriminator.backbone.down_16.main[0].weight_orig
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
    # Resumed in place, the average and samples of it keep the layout.
    ours.load_state_dict(plain.state_dict())
    for model in (ours.generator, ours.generator_ema.module, copy_generator(ours)):
        weight = model.up_16[0].weight_orig
        assert weight.is_contiguous(memory_format=torch.channels_last)
    images = [sample_images(copy_generator(model), 2) for model in (plain, ours)]
    assert abs(images[0].astype(int) - images[1]).max() <= 1


def stylegan2(**changes):
    torch.manual_seed(0)
    return LimitedDataGAN(
        **STYLEGAN2,
        ema_config=dict(type='HalfLifeEMA'),
        **changes,
    ).train()


def test_modulated_weights_of_five_dimensions_stay_as_they_are():
    runs = []
    for channels_last in (False, True):
        model = stylegan2(channels_last=channels_last)
        torch.manual_seed(1)
        data = dict(inputs=torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8))
        logs = model.train_step(data, optimisers(model, torch.optim.SGD))
        runs.append((model, logs))
    (_, expected), (model, logs) = runs
    for name in logs:
        torch.testing.assert_close(logs[name], expected[name], rtol=1e-3, atol=1e-4)
    by_dimension = {}
    for parameter in model.parameters():
        by_dimension.setdefault(parameter.ndim, []).append(parameter)
    assert all(p.is_contiguous() for p in by_dimension[5])
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in by_dimension[4])


@pytest.mark.parametrize('fused', [True, False])
def test_a_state_saved_in_another_layout_is_that_of_its_weights(fused):
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 4, 3)
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    first, second = (
        torch.optim.Adam(net.parameters(), lr=0.1, fused=fused) for net in (plain, last)
    )
    gradient = torch.randn_like(plain.weight)
    for net in (plain, last):
        net.weight.grad = gradient.clone().contiguous(memory_format=torch.preserve_format)
        net.weight.grad = torch.empty_like(net.weight).copy_(gradient)
    first.step()
    with torch.no_grad():
        last.weight.copy_(plain.weight)
    follow_layout(second)
    follow_layout(second)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.state[last.weight]['exp_avg'].stride() == last.weight.stride()
    first.step()
    second.step()
    torch.testing.assert_close(last.weight, plain.weight)
    assert len(second._optimizer_load_state_dict_post_hooks) == 1


@pytest.mark.parametrize('value', [1, 'yes', None])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match='channels_last must be True or False'):
        gan(channels_last=value)


def test_a_frozen_network_inside_follows():
    network = nn.Sequential(FrozenNetwork(nn.Conv2d(2, 2, 3), '00' * 32, 'none'))
    lay_out_channels_last(network)
    weight = network[0].network.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
