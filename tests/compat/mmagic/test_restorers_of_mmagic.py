import copy

import pytest
import torch
from mmengine.optim import OptimWrapper

pytestmark = pytest.mark.slow
SMALL = dict(in_channels=3, out_channels=3, mid_channels=8, num_blocks=2)
NETWORKS = {
    'MSRResNet': (2, 3, 4),
    'EDSRNet': (2, 3, 4),
    'RRDBNet': (1, 2, 4),
}


@pytest.mark.parametrize(('name', 'factors'), NETWORKS.items())
def test_networks_enlarge(build, name, factors):
    images = torch.rand(2, 3, 12, 8)
    for factor in factors:
        options = dict(**SMALL, upscale_factor=factor)
        network, other = build(name, **options), build(name, **options)
        enlarged = network(images)
        assert enlarged.shape == (2, 3, 12 * factor, 8 * factor)
        enlarged.square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        other.load_state_dict(network.state_dict())
        assert other(images).equal(enlarged)


@pytest.fixture
def data(samples):
    low, high = torch.randint(0, 256, (2, 3, 32, 32)), torch.randint(0, 256, (2, 3, 128, 128))
    return dict(inputs=list(low.byte()), data_samples=samples(high.byte()))


PREPROCESSOR = dict(type='mmagic.DataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)


@pytest.mark.parametrize(('name', 'network'), [('SRGAN', 'MSRResNet'), ('ESRGAN', 'RRDBNet')])
def test_an_adversarial_step(build, data, optimise, check_step, name, network):
    model = build(
        name,
        generator=dict(type=network, **SMALL, upscale_factor=4),
        discriminator=dict(type='ModifiedVGG', in_channels=3, mid_channels=4),
        pixel_loss=dict(type='L1Loss', loss_weight=0.01),
        gan_loss=dict(type='GANLoss', gan_type='vanilla', loss_weight=0.005),
        data_preprocessor=PREPROCESSOR,
    )
    losses = {'loss_pix', 'loss_gan', 'loss_d_real', 'loss_d_fake'}
    check_step(model, data, optimise(model), ('generator', 'discriminator'), losses)
    assert model.step_counter == 1


def test_a_step_by_pixels_and_a_prediction(build, data):
    model = build(
        'BaseEditModel',
        generator=dict(type='EDSRNet', **SMALL, upscale_factor=4),
        pixel_loss=dict(type='L1Loss'),
        data_preprocessor=PREPROCESSOR,
    )
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = [model.train_step(copy.deepcopy(data), wrapper)['loss'] for _ in range(5)]
    assert losses[-1] < losses[0]
    model.eval()
    for sample, given in zip(model.val_step(data), data['inputs'], strict=True):
        assert sample.output.pred_img.shape == (3, 128, 128)
        # Of the images as they were, in 0 to 255.
        torch.testing.assert_close(sample.input, given.float())
        assert sample.output.pred_img.min() >= 0 and sample.output.pred_img.max() <= 255
